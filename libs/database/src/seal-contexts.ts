/** What sealed columns are bound to, by row and column: a box that was moved elsewhere does not open. */
export const sealContext = {
  webhookSecret: (webhookId: string): string => `webhook:${webhookId}:secret`,
  webhookHeaders: (webhookId: string): string => `webhook:${webhookId}:headers`,
  retiringSecret: (id: string): string => `retiring_secret:${id}:secret`,
  privateKey: (id: string): string => `signing_key:${id}:private_key`,
  slackSigningSecret: (id: string): string => `slack_link:${id}:signing_secret`,
};
