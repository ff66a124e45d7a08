import type { EntityManager } from 'typeorm';
import { hourOfUuid } from '#kernel/hours';

/** Cancelled at once; dispatchers cancel the rest as it falls due, so that a million cost no request a minute. */
export const MAX_CANCELLED_AT_ONCE = 2_000;

interface CancelledRow {
  id: string;
  event_type: string;
}

// Takes rows in the same order as a claim does: waiting ones first, passing over those that are being claimed. Arrays, so
// that rows are found by their ids and not by going through all that wait, and all of the history.
const CANCEL = `
  WITH picked AS (
    SELECT delivery_id FROM waiting_deliveries WHERE tenant_id = $1 AND webhook_id = $2
    ORDER BY due_at, delivery_id LIMIT $3 FOR UPDATE SKIP LOCKED
  ), taken AS (
    DELETE FROM waiting_deliveries WHERE delivery_id = ANY(ARRAY(SELECT delivery_id FROM picked)) RETURNING delivery_id
  )
  UPDATE deliveries d SET status = 'failed', state = 'cancelled', next_attempt_at = NULL, error = $4
  WHERE d.id = ANY(ARRAY(SELECT delivery_id FROM taken)) AND d.tenant_id = $1 AND d.status = 'pending' AND d.owner IS NULL
  RETURNING d.id, d.event_type`;

const COUNT = `
  INSERT INTO stats_deltas (tenant_id, webhook_id, event_type, hour, cancelled)
  SELECT $1, $2, event_type, hour, count(*) FROM unnest($3::text[], $4::timestamptz[]) AS c(event_type, hour) GROUP BY event_type, hour`;

/** Cancels deliveries of a webhook that no dispatcher holds, the soonest first, up to a few thousand. */
export async function cancelWaiting(
  manager: EntityManager,
  tenantId: string,
  webhookId: string,
  reason: string,
): Promise<void> {
  // TypeORM answers an UPDATE with the rows and how many they are.
  const [cancelled]: [CancelledRow[], number] = await manager.query(CANCEL, [
    tenantId,
    webhookId,
    MAX_CANCELLED_AT_ONCE,
    reason,
  ]);
  if (cancelled.length === 0) return;
  const types = cancelled.map((row) => row.event_type);
  const hours = cancelled.map((row) => hourOfUuid(row.id));
  await manager.query(COUNT, [tenantId, webhookId, types, hours]);
}
