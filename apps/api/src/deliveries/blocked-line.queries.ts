import type { Pool } from 'pg';
import { inTransaction } from '#database/in-transaction';
import { findHeads, lockQueues, advanceQueues } from '#database/ordering-queues.queries';

/**
 * Takes a given-up delivery out of the line that waits behind it, and lets the next of the line go.
 * @returns the id of the next, null where none is left; undefined when no line waits behind the delivery.
 */
export function skipGivenUp(
  pool: Pool,
  tenantId: string,
  webhookId: string,
  delivery: { id: string; eventId: string },
): Promise<string | null | undefined> {
  return inTransaction(pool, async (client) => {
    const values = [tenantId, webhookId, delivery.eventId, delivery.id];
    const isGivenUp = 'tenant_id = $1 AND webhook_id = $2 AND event_id = $3 AND delivery_id = $4 AND given_up';
    const found = await client.query<{ key_hash: Buffer }>(
      `SELECT key_hash FROM ordered_deliveries WHERE ${isGivenUp}`,
      values,
    );
    const lines = found.rows.map((row) => ({ webhookId, keyHash: row.key_hash }));
    if (lines.length === 0) return undefined;
    await lockQueues(client, lines);
    // Its redelivery may have succeeded, or somebody else have skipped it, before the line was locked.
    const gone = await client.query(`DELETE FROM ordered_deliveries WHERE ${isGivenUp}`, values);
    const [next] = await findHeads(client, lines);
    await advanceQueues(client, lines);
    return gone.rowCount === 0 ? undefined : (next?.deliveryId ?? null);
  });
}
