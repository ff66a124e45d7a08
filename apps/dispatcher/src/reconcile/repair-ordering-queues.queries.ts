import type { Pool, PoolClient } from 'pg';
import { inTransaction } from '#database/in-transaction';
import {
  findHeads,
  leaveQueues,
  lockQueues,
  advanceQueues,
  unblock,
  type Ended,
  type Head,
  type OrderingQueue,
} from '#database/ordering-queues.queries';

/** A webhook whose queues are to be changed: dissolved, or moved up past deliveries that were given up. */
export interface ChangedWebhook {
  webhookId: string;
  change: 'dissolve' | 'skip';
}

/** Webhooks with queues that no longer order, get or exist, or that no longer wait; jumps from webhook to webhook. */
export async function findChangedWebhooks(pool: Pool): Promise<ChangedWebhook[]> {
  const result = await pool.query<{ webhook_id: string; change: 'dissolve' | 'skip' }>({
    name: 'find-changed-queues',
    text: `
      WITH RECURSIVE lined AS (
        (SELECT webhook_id FROM ordering_queues ORDER BY webhook_id LIMIT 1)
        UNION ALL
        SELECT next.webhook_id FROM lined CROSS JOIN LATERAL (
          SELECT l.webhook_id FROM ordering_queues l WHERE l.webhook_id > lined.webhook_id ORDER BY l.webhook_id LIMIT 1) next
      ), seen AS (
        SELECT lined.webhook_id,
          w.id IS NULL OR w.deleted_at IS NOT NULL OR NOT w.ordered OR (NOT w.active AND w.on_inactive = 'drop') AS is_over,
          w.on_exhausted = 'skip' AND (
            SELECT true FROM ordered_deliveries o WHERE o.webhook_id = lined.webhook_id AND o.given_up LIMIT 1) AS skips
        FROM lined LEFT JOIN webhooks w ON w.id = lined.webhook_id
      )
      SELECT webhook_id, CASE WHEN is_over THEN 'dissolve' ELSE 'skip' END AS change FROM seen WHERE is_over OR skips`,
  });
  return result.rows.map((row) => ({ webhookId: row.webhook_id, change: row.change }));
}

/**
 * Lets up to `limit` deliveries of a webhook go without regard to order.
 * @returns how many left their queues.
 */
export function dissolve(pool: Pool, webhookId: string, limit: number): Promise<number> {
  return inTransaction(pool, async (client) => {
    const wanted = await client.query<{ key_hash: Buffer }>(
      `SELECT DISTINCT key_hash FROM (
         SELECT key_hash FROM ordered_deliveries WHERE webhook_id = $1 ORDER BY key_hash, position LIMIT $2) first`,
      [webhookId, limit],
    );
    const keyHashes = wanted.rows.map((row) => row.key_hash);
    const queues = keyHashes.map((keyHash) => ({ webhookId, keyHash }));
    await lockQueues(client, queues);
    const gone = await client.query<{ delivery_id: string; priority: number }>(
      `DELETE FROM ordered_deliveries WHERE webhook_id = $1 AND event_id IN (
         SELECT event_id FROM ordered_deliveries WHERE webhook_id = $1 AND key_hash = ANY($2::bytea[])
         ORDER BY key_hash, position LIMIT $3)
       RETURNING delivery_id, priority`,
      [webhookId, keyHashes, limit],
    );
    await unblock(
      client,
      gone.rows.map((row) => ({ deliveryId: row.delivery_id, priority: row.priority })),
    );
    await advanceQueues(client, queues);
    return gone.rows.length;
  });
}

/** Lets what stands behind up to `limit` given-up deliveries of a webhook go. @returns how many were passed. */
export function passGivenUp(pool: Pool, webhookId: string, limit: number): Promise<number> {
  return inTransaction(pool, async (client) => {
    const result = await client.query<{ key_hash: Buffer }>(
      'SELECT DISTINCT key_hash FROM ordered_deliveries WHERE webhook_id = $1 AND given_up LIMIT $2',
      [webhookId, limit],
    );
    const queues = result.rows.map((row) => ({ webhookId, keyHash: row.key_hash }));
    await lockQueues(client, queues);
    const heads = (await findHeads(client, queues)).filter((head) => head.givenUp);
    await leaveQueues(
      client,
      heads.map((head) => ({ ...head, state: 'exhausted' })),
    );
    await advanceQueues(client, queues);
    return heads.length;
  });
}

/**
 * Moves up queues whose first has ended without their being told, as when it is cancelled along with what waits for a
 * webhook, or whose first is blocked. Looks at `limit` queues behind one.
 * @returns the last ordering queue looked at (null at the end), and how many were repaired.
 */
export async function repairQueues(
  pool: Pool,
  after: OrderingQueue | null,
  limit: number,
): Promise<{ after: OrderingQueue | null; repaired: number }> {
  const result = await pool.query<{ webhook_id: string; key_hash: Buffer }>({
    name: 'look-at-queues',
    text: `SELECT webhook_id, key_hash FROM ordering_queues
           WHERE $1::uuid IS NULL OR (webhook_id, key_hash) > ($1, $2) ORDER BY webhook_id, key_hash LIMIT $3`,
    values: [after?.webhookId ?? null, after?.keyHash ?? null, limit],
  });
  const queues = result.rows.map((row) => ({ webhookId: row.webhook_id, keyHash: row.key_hash }));
  const last = queues.length < limit ? null : (queues.at(-1) ?? null);
  if (queues.length === 0) return { after: null, repaired: 0 };
  const stuck = await inTransaction(pool, (client) => findStuck(client, queues));
  if (stuck.length === 0) return { after: last, repaired: 0 };
  const repaired = await inTransaction(pool, async (client) => {
    await lockQueues(client, stuck);
    const still = await findStuck(client, stuck);
    const ended = still.flatMap(({ state, ...head }): Ended[] => {
      if (state === null) return [{ ...head, state: 'cancelled' }]; // retention took it
      return state === 'delivered' || state === 'exhausted' || state === 'cancelled' ? [{ ...head, state }] : [];
    });
    if (ended.length > 0) await leaveQueues(client, ended);
    await advanceQueues(client, stuck);
    return still.length;
  });
  return { after: last, repaired };
}

/** The first of queues that have ended or are blocked, with their state; null when the delivery is gone. */
async function findStuck(client: PoolClient, queues: OrderingQueue[]): Promise<(Head & { state: string | null })[]> {
  const heads = await findHeads(client, queues);
  if (heads.length === 0) return [];
  const ids = heads.map((head) => head.deliveryId);
  const sorted = ids.toSorted();
  const result = await client.query<{ id: string; state: string }>({
    name: 'states-of-heads',
    text: 'SELECT id, state FROM deliveries WHERE id = ANY($1::uuid[]) AND id >= $2 AND id <= $3',
    values: [ids, sorted[0], sorted.at(-1)],
  });
  const states = new Map(result.rows.map((row) => [row.id, row.state]));
  return heads
    .map((head) => ({ ...head, state: states.get(head.deliveryId) ?? null }))
    .filter(({ state, givenUp }) =>
      givenUp
        ? state !== 'exhausted'
        : state === null || ['blocked', 'delivered', 'exhausted', 'cancelled'].includes(state),
    );
}
