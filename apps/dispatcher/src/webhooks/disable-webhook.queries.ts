import type { Pool } from 'pg';
import { formatId, newUuid } from '#kernel/ids';

/** Makes a webhook inactive, as after a 410; @returns false when it was inactive or deleted already. */
export async function disableWebhook(
  pool: Pool,
  tenantId: string,
  webhookId: string,
  reason: string,
): Promise<boolean> {
  const result = await pool.query(
    `WITH disabled AS (
       UPDATE webhooks SET active = false, disabled_reason = $3, version = version + 1, updated_at = now()
       WHERE id = $2 AND tenant_id = $1 AND active AND deleted_at IS NULL RETURNING tenant_id, project_id
     ), audited AS (
       INSERT INTO audit_log (id, tenant_id, project_id, action, actor, resource_type, resource_id, details)
       SELECT $4, tenant_id, project_id, 'webhook.disabled', 'system', 'webhook', $5, jsonb_build_object('reason', $3::text)
       FROM disabled
     )
     UPDATE tenants t SET webhooks_version = webhooks_version + 1, changed_at = now() FROM disabled
     WHERE t.id = disabled.tenant_id`,
    [tenantId, webhookId, reason, newUuid(Date.now()), formatId('webhook', webhookId)],
  );
  return result.rowCount === 1;
}
