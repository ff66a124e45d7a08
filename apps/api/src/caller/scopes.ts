/** What a token may do. `x:write` includes `x:read`, and `*` includes everything. */
export const SCOPES = [
  '*',
  'webhooks:read',
  'webhooks:write',
  'events:read',
  'events:write',
  'event-types:read',
  'event-types:write',
  'deliveries:read',
  'deliveries:write',
  'inbound:read',
  'inbound:write',
  'tokens:write',
  'audit:read',
] as const;

export type Scope = (typeof SCOPES)[number];

/** Whether a holder of these scopes may do what the wanted scope stands for. */
export function coversScope(held: readonly string[], wanted: Scope): boolean {
  if (held.includes(wanted) || held.includes('*')) return true;
  return wanted.endsWith(':read') && held.includes(wanted.replace(/:read$/, ':write'));
}
