import type { Pool } from 'pg';

/** Ends the draining of webhooks of which nothing waits, and nothing is in a lane, that they had when they were made active. */
export async function endDrains(pool: Pool): Promise<void> {
  await pool.query({
    name: 'end-drains',
    text: `
      WITH drained AS (
        UPDATE webhooks SET draining_since = NULL, version = version + 1 WHERE draining_since IS NOT NULL AND NOT EXISTS (
          SELECT FROM waiting_deliveries d WHERE d.webhook_id = webhooks.id AND d.due_at <= webhooks.draining_since) AND NOT EXISTS (
          SELECT FROM deliveries d WHERE d.webhook_id = webhooks.id AND d.status = 'pending' AND d.owner IS NOT NULL
            AND d.id < uuid_floor(webhooks.draining_since))
        RETURNING tenant_id
      )
      UPDATE tenants SET webhooks_version = webhooks_version + 1, changed_at = now() WHERE id IN (SELECT tenant_id FROM drained)`,
  });
}
