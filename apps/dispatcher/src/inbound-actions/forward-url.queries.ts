import type { Pool } from 'pg';
import { hourOfUuid } from '#kernel/hours';
import { deliveryUuid } from '#kernel/ids';

/** What the forwarded data is to its receiver: the event type of its delivery. */
const FORWARD_EVENT_TYPE = 'inbound.received';
const VERSION = '1';

/**
 * Makes an event and its one delivery to the hidden webhook of an action; any dispatcher claims it. Both ids are
 * derived from the run's, so that doing it twice changes nothing.
 * @returns the ids, or null when the webhook is gone.
 */
export async function insertForward(
  pool: Pool,
  forward: { runId: string; tenantId: string; webhookId: string; data: Buffer; receivedAt: Date },
): Promise<{ eventId: string; deliveryId: string } | null> {
  const { runId, tenantId, webhookId, data, receivedAt } = forward;
  const deliveryId = deliveryUuid(runId, webhookId);
  const result = await pool.query({
    name: 'insert-forward',
    text: `
      WITH webhook AS (
        SELECT id, project_id FROM webhooks WHERE id = $3 AND tenant_id = $2 AND kind = 'inbound_forward' AND deleted_at IS NULL
      ), event AS (
        INSERT INTO events (id, tenant_id, project_id, type, occurred_at, version, data_bytes)
        SELECT $1, $2, project_id, $5, $6, $7, length($8::bytea) FROM webhook ON CONFLICT (id) DO NOTHING
      ), payload AS (
        INSERT INTO event_payloads (event_id, tenant_id, data) SELECT $1, $2, $8::bytea FROM webhook ON CONFLICT (event_id) DO NOTHING
      ), made AS (
        INSERT INTO deliveries (id, tenant_id, webhook_id, event_id, event_type, status, state, next_attempt_at)
        SELECT $4, $2, id, $1, $5, 'pending', 'queued', now() FROM webhook ON CONFLICT (id) DO NOTHING RETURNING id
      ), waiting AS (
        INSERT INTO waiting_deliveries (delivery_id, tenant_id, webhook_id, due_at) SELECT id, $2, $3, now() FROM made
      ), counted AS (
        INSERT INTO stats_deltas (tenant_id, webhook_id, event_type, hour, created) SELECT $2, $3, $5, $9, 1 FROM made
      )
      SELECT FROM webhook`,
    values: [
      runId,
      tenantId,
      webhookId,
      deliveryId,
      FORWARD_EVENT_TYPE,
      receivedAt,
      VERSION,
      data,
      hourOfUuid(deliveryId),
    ],
  });
  return result.rowCount === 0 ? null : { eventId: runId, deliveryId };
}
