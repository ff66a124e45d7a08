import { newUuid } from '#kernel/ids';

/** What can be in the audit trail; each stands in docs/api-guide.md. */
export const AUDIT_ACTIONS = [
  'tenant.created',
  'tenant.updated',
  'tenant.suspended',
  'tenant.resumed',
  'tenant.deleted',
  'user.created',
  'user.deleted',
  'token.created',
  'token.revoked',
  'token.used_from_new_address',
  'token.refused',
  'webhook.created',
  'webhook.updated',
  'webhook.enabled',
  'webhook.disabled',
  'webhook.deleted',
  'webhook.secret_read',
  'webhook.secret_changed',
  'webhook.secret_rotated',
  'signing_key.rotated',
  'event_type.created',
  'event_type.updated',
  'event_type.archived',
  'event_type.validation_changed',
  'inbound.created',
  'inbound.updated',
  'inbound.deleted',
  'inbound.secret_changed',
  'inbound.url_changed',
  'inbound.action_added',
  'inbound.action_updated',
  'inbound.action_removed',
  'inbound_channel.created',
  'inbound_channel.updated',
  'inbound_channel.deleted',
  'slack.linked',
  'slack.unlinked',
] as const;

/** What acts are upon. */
export const AUDIT_RESOURCES = [
  'tenant',
  'user',
  'token',
  'webhook',
  'event_type',
  'inbound',
  'inbound_channel',
] as const;

export type AuditResource = (typeof AUDIT_RESOURCES)[number];
export type AuditAction = (typeof AUDIT_ACTIONS)[number];

/** Who acted: a token and its user, the operator, or the service by itself. */
export type AuditActor =
  | { kind: 'token'; tokenId: string; userId: string | null; clientIp: string; requestId: string | null }
  | { kind: 'operator'; clientIp: string; requestId: string }
  | { kind: 'system' };

/** One act. `details` names what changed: never a secret, a header's value or a payload. */
export interface AuditEntry {
  tenantId: string;
  actor: AuditActor;
  action: AuditAction;
  /** What it was done to, by its id or name in the API. */
  resource: { type: AuditResource; id: string };
  projectId?: string | null;
  details?: Readonly<Record<string, string | number | boolean | null | readonly string[]>>;
}

/** A transaction: an EntityManager, or a client or pool of pg. */
interface Queryable {
  query(text: string, values: unknown[]): Promise<unknown>;
}

/** Adds acts to the audit trail, in the transaction that makes them: neither is there without the other. */
export async function recordAudit(db: Queryable, entries: readonly AuditEntry[]): Promise<void> {
  if (entries.length === 0) return;
  await db.query(INSERT, [JSON.stringify(entries.map((entry) => toRow(entry, Date.now())))]);
}

/** An act as a row of `audit_log`, for statements that insert it themselves with `jsonb_to_record`. */
function toRow({ tenantId, actor, action, resource, projectId, details }: AuditEntry, nowMs: number): object {
  return {
    id: newUuid(nowMs),
    tenant_id: tenantId,
    project_id: projectId ?? null,
    action,
    actor: actor.kind,
    token_id: actor.kind === 'token' ? actor.tokenId : null,
    user_id: actor.kind === 'token' ? actor.userId : null,
    resource_type: resource.type,
    resource_id: resource.id,
    client_ip: actor.kind === 'system' ? null : actor.clientIp,
    request_id: actor.kind === 'system' ? null : actor.requestId,
    details: details ?? {},
  };
}

const COLUMNS =
  'id, tenant_id, project_id, action, actor, token_id, user_id, resource_type, resource_id, client_ip, request_id, details';

const INSERT = `INSERT INTO audit_log (${COLUMNS})
  SELECT ${COLUMNS} FROM jsonb_to_recordset($1::jsonb) AS entry(id uuid, tenant_id uuid, project_id text, action text,
    actor text, token_id uuid, user_id uuid, resource_type text, resource_id text, client_ip text, request_id text, details jsonb)`;
