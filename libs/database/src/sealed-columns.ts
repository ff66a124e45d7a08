import { contextOf } from './inbound-secrets';
import { sealContext } from './seal-contexts';

/** A column whose values a {@link SecretBox} has sealed; the tables' key is `id`. */
export interface SealedColumn {
  table: string;
  column: string;
  /** What the box of a row is bound to. */
  context: (id: string) => string;
}

/** Every sealed column there is: a test compares them with the schema. */
export const SEALED_COLUMNS: readonly SealedColumn[] = [
  { table: 'webhooks', column: 'sealed_secret', context: sealContext.webhookSecret },
  { table: 'webhooks', column: 'sealed_headers', context: sealContext.webhookHeaders },
  { table: 'retiring_secrets', column: 'sealed_secret', context: sealContext.retiringSecret },
  { table: 'signing_keys', column: 'sealed_private_key', context: sealContext.privateKey },
  { table: 'slack_links', column: 'sealed_signing_secret', context: sealContext.slackSigningSecret },
  { table: 'inbound_endpoints', column: 'sealed_secrets', context: (id) => contextOf('inbound_endpoint:secrets', id) },
  {
    table: 'inbound_endpoints',
    column: 'sealed_trigger_rule',
    context: (id) => contextOf('inbound_endpoint:trigger_rule', id),
  },
  { table: 'inbound_actions', column: 'sealed_secrets', context: (id) => contextOf('inbound_action:secrets', id) },
  { table: 'inbound_channels', column: 'sealed_secrets', context: (id) => contextOf('inbound_channel:secrets', id) },
];
