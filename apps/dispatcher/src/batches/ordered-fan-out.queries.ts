import type { Pool, PoolClient } from 'pg';
import { inTransaction } from '#database/in-transaction';
import { findHeads, lineName, lockLines, moveUp, type Line } from '#database/lines.queries';
import { writeFanOutInLine, type FanOutWrite, type PlannedDelivery } from './fan-out.queries';

/**
 * Makes deliveries of which some go into lines: a batch of an ordering key only once all batches before it are fanned
 * out, and behind what stands in the line already.
 * @returns as `writeFanOut`.
 */
export function fanOutInLine(pool: Pool, dispatcherId: string, write: FanOutWrite): Promise<Set<string>> {
  return inTransaction(pool, async (client) => {
    const ready = await lockReadyBatches(client, write);
    const open = new Set(write.open);
    const planned = write.planned.filter(({ fanOutId }) => ready.has(fanOutId) || open.has(fanOutId));
    const lines = planned.flatMap((delivery) => lineOf(delivery) ?? []);
    await lockLines(client, lines);
    const occupied = new Set((await findHeads(client, lines)).map(lineName));
    const { made, unfinished } = await writeFanOutInLine(client, dispatcherId, {
      planned: planned.map((delivery) => {
        const line = lineOf(delivery);
        return line !== null && occupied.has(lineName(line)) ? { ...delivery, state: 'blocked' } : delivery;
      }),
      finished: write.finished.filter((fanOutId) => ready.has(fanOutId)),
      open: write.open,
      continued: write.continued,
      unfinished: write.unfinished !== null && ready.has(write.unfinished) ? write.unfinished : null,
    });
    // What was made before may have been the first of its line, and gone by now.
    if (made.length < planned.length) await moveUp(client, lines);
    return new Set([...made.filter(({ held }) => held).map(({ id }) => id), ...unfinished]);
  });
}

/** Of these batches those that may be fanned out now, until the transaction ends by nobody else. */
async function lockReadyBatches(client: PoolClient, write: FanOutWrite): Promise<Set<string>> {
  const ids = write.unfinished === null ? write.finished : [...write.finished, write.unfinished];
  const answer = await client.query<{ id: string; key_hash: Buffer | null; is_ready: boolean }>({
    name: 'lock-ready-batches',
    text: `
      SELECT f.id, f.key_hash, (f.due_at <= now() OR f.id = $2) AND (f.key_hash IS NULL OR NOT EXISTS (
          SELECT FROM pending_fan_outs b WHERE b.key_hash = f.key_hash AND b.position < f.position AND b.id <> ALL($1::uuid[]))) AS is_ready,
        f.position
      FROM pending_fan_outs f WHERE f.id = ANY($1::uuid[]) ORDER BY f.id FOR UPDATE`,
    values: [ids, write.continued],
  });
  const rank = new Map(ids.map((id, index) => [id, index]));
  const ready = new Set<string>();
  const stopped = new Set<string>();
  // In the order of positions, as they were planned: behind one that is not ready, none of its key is.
  for (const row of answer.rows.toSorted((a, b) => (rank.get(a.id) ?? 0) - (rank.get(b.id) ?? 0))) {
    const key = row.key_hash?.toString('hex') ?? row.id;
    if (row.is_ready && !stopped.has(key)) ready.add(row.id);
    else stopped.add(key);
  }
  return ready;
}

function lineOf({ webhookId, line }: PlannedDelivery): Line | null {
  return line === null ? null : { webhookId, keyHash: line };
}
