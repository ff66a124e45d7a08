import type { EntityManager } from 'typeorm';
import type { StoredRetryPolicy } from '#database/entities/webhook.entity';
import { bumpWebhooksVersion } from '../sending/sending.queries';

/** The hidden webhook of an action that forwards to a URL. */
export interface Forward {
  id: string;
  tenantId: string;
  projectId: string | null;
  name: string;
  url: string;
  sealedSecret: Buffer;
  sealedHeaders: Buffer | null;
  headerNames: string[];
  timeoutMs: number;
  retryPolicy: StoredRetryPolicy;
  createdBy: string;
}

/** Makes the hidden webhook, or changes it, which makes it active again. */
export async function saveForward(manager: EntityManager, forward: Forward): Promise<void> {
  await manager.query(
    `INSERT INTO webhooks (id, tenant_id, project_id, kind, name, url, events, sealed_secret, sealed_headers, header_names,
       timeout_ms, retry_policy, created_by)
     VALUES ($1, $2, $3, 'inbound_forward', $4, $5, '{}', $6, $7, $8, $9, $10, $11)
     ON CONFLICT (id) DO UPDATE SET url = excluded.url, sealed_secret = excluded.sealed_secret,
       sealed_headers = excluded.sealed_headers, header_names = excluded.header_names, timeout_ms = excluded.timeout_ms,
       retry_policy = excluded.retry_policy, active = true, disabled_reason = NULL, version = webhooks.version + 1, updated_at = now()`,
    [
      forward.id,
      forward.tenantId,
      forward.projectId,
      forward.name,
      forward.url,
      forward.sealedSecret,
      forward.sealedHeaders,
      forward.headerNames,
      forward.timeoutMs,
      JSON.stringify(forward.retryPolicy),
      forward.createdBy,
    ],
  );
  await bumpWebhooksVersion(manager, forward.tenantId);
}

/** Marks hidden webhooks deleted, of one action or of all of an endpoint; what waits is cancelled as it falls due. */
export async function removeForwards(
  manager: EntityManager,
  tenantId: string,
  of: { endpointId: string; actionId?: string },
): Promise<void> {
  // TypeORM answers an UPDATE with the rows and how many they are.
  const [removed]: [unknown[], number] = await manager.query(
    `UPDATE webhooks SET deleted_at = now(), active = false, version = version + 1
     WHERE tenant_id = $1 AND kind = 'inbound_forward' AND deleted_at IS NULL AND id IN (
       SELECT webhook_id FROM inbound_actions WHERE tenant_id = $1 AND endpoint_id = $2 AND ($3::uuid IS NULL OR id = $3))
     RETURNING id`,
    [tenantId, of.endpointId, of.actionId ?? null],
  );
  if (removed.length > 0) await bumpWebhooksVersion(manager, tenantId);
}

/** Whether hidden webhooks are active, and why not. */
export async function readForwards(
  manager: EntityManager,
  tenantId: string,
  ids: string[],
): Promise<Map<string, { active: boolean; disabledReason: string | null }>> {
  if (ids.length === 0) return new Map();
  const rows = await manager.query<{ id: string; active: boolean; disabled_reason: string | null }[]>(
    `SELECT id, active, disabled_reason FROM webhooks WHERE tenant_id = $1 AND kind = 'inbound_forward' AND id = ANY ($2::uuid[])`,
    [tenantId, ids],
  );
  return new Map(rows.map((row) => [row.id, { active: row.active, disabledReason: row.disabled_reason }]));
}
