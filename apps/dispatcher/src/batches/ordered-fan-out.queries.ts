import type { Pool, PoolClient } from 'pg';
import { inTransaction } from '#database/in-transaction';
import { findHeads, queueName, lockQueues, advanceQueues, type OrderingQueue } from '#database/ordering-queues.queries';
import { writeOrderedFanOut, type FanOutWrite, type PlannedDelivery } from './fan-out.queries';

/**
 * Makes deliveries of which some go into queues: a batch of an ordering key only once all batches before it are fanned
 * out, and behind what stands in the ordering queue already.
 * @returns as `writeFanOut`.
 */
export function fanOutOrdered(pool: Pool, dispatcherId: string, write: FanOutWrite): Promise<Set<string>> {
  return inTransaction(pool, async (client) => {
    const ready = await lockReadyBatches(client, write);
    const open = new Set(write.open);
    const planned = write.planned.filter(({ batchId }) => ready.has(batchId) || open.has(batchId));
    const queues = planned.flatMap((delivery) => queueOf(delivery) ?? []);
    await lockQueues(client, queues);
    const occupied = new Set((await findHeads(client, queues)).map(queueName));
    const { made, unfinished } = await writeOrderedFanOut(client, dispatcherId, {
      planned: planned.map((delivery) => {
        const queue = queueOf(delivery);
        return queue !== null && occupied.has(queueName(queue)) ? { ...delivery, state: 'blocked' } : delivery;
      }),
      finished: write.finished.filter((batchId) => ready.has(batchId)),
      open: write.open,
      continued: write.continued,
      unfinished: write.unfinished !== null && ready.has(write.unfinished) ? write.unfinished : null,
    });
    // What was made before may have been the first of its ordering queue, and gone by now.
    if (made.length < planned.length) await advanceQueues(client, queues);
    return new Set([...made.filter(({ held }) => held).map(({ id }) => id), ...unfinished]);
  });
}

/** Of these batches those that may be fanned out now, until the transaction ends by nobody else. */
async function lockReadyBatches(client: PoolClient, write: FanOutWrite): Promise<Set<string>> {
  const ids = write.unfinished === null ? write.finished : [...write.finished, write.unfinished];
  const result = await client.query<{ id: string; key_hash: Buffer | null; is_ready: boolean }>({
    name: 'lock-ready-batches',
    text: `
      SELECT f.id, f.key_hash, (f.due_at <= now() OR f.id = $2) AND (f.key_hash IS NULL OR NOT EXISTS (
          SELECT FROM event_batches b WHERE b.key_hash = f.key_hash AND b.position < f.position AND b.id <> ALL($1::uuid[]))) AS is_ready,
        f.position
      FROM event_batches f WHERE f.id = ANY($1::uuid[]) ORDER BY f.id FOR UPDATE`,
    values: [ids, write.continued],
  });
  const rank = new Map(ids.map((id, index) => [id, index]));
  const ready = new Set<string>();
  const stopped = new Set<string>();
  // In the order of positions, as they were planned: behind one that is not ready, none of its key is.
  for (const row of result.rows.toSorted((a, b) => (rank.get(a.id) ?? 0) - (rank.get(b.id) ?? 0))) {
    const key = row.key_hash?.toString('hex') ?? row.id;
    if (row.is_ready && !stopped.has(key)) ready.add(row.id);
    else stopped.add(key);
  }
  return ready;
}

function queueOf({ webhookId, keyHash }: PlannedDelivery): OrderingQueue | null {
  return keyHash === null ? null : { webhookId, keyHash };
}
