import type { PoolClient } from 'pg';

/** The deliveries to one webhook of events with one ordering key, of which only the first may be due or under way. */
export interface OrderingQueue {
  webhookId: string;
  keyHash: Buffer;
}

/** The first of an ordering queue. */
export interface Head extends OrderingQueue {
  deliveryId: string;
  eventId: string;
  priority: number;
  /** It is exhausted, and those behind it wait. */
  givenUp: boolean;
}

/** A delivery that ended: one of an ordering queue, or another delivery of the same event to the same webhook. */
export interface Ended extends OrderingQueue {
  deliveryId: string;
  eventId: string;
  state: 'delivered' | 'exhausted' | 'cancelled';
}

interface HeadRow {
  webhook_id: string;
  key_hash: Buffer;
  delivery_id: string;
  event_id: string;
  priority: number;
  given_up: boolean;
}

/**
 * Keeps others from adding to queues or taking from them until the transaction ends; what is read after this is as
 * they left it. In one order everywhere, so that nobody waits in a ring.
 */
export async function lockQueues(client: PoolClient, queues: readonly OrderingQueue[]): Promise<void> {
  await client.query({
    name: 'lock-queues',
    text: `
      INSERT INTO ordering_queues (webhook_id, key_hash)
      SELECT DISTINCT webhook_id, key_hash FROM unnest($1::uuid[], $2::bytea[]) AS l(webhook_id, key_hash) ORDER BY 1, 2
      ON CONFLICT (webhook_id, key_hash) DO UPDATE SET key_hash = excluded.key_hash`,
    values: columns(queues),
  });
}

/** The first of each ordering queue that is not empty. */
export async function findHeads(client: PoolClient, queues: readonly OrderingQueue[]): Promise<Head[]> {
  const result = await client.query<HeadRow>({
    name: 'find-heads',
    text: `
      SELECT head.* FROM (SELECT DISTINCT webhook_id, key_hash FROM unnest($1::uuid[], $2::bytea[]) AS l(webhook_id, key_hash)) queue
      CROSS JOIN LATERAL (
        SELECT webhook_id, key_hash, delivery_id, event_id, priority, given_up FROM ordered_deliveries o
        WHERE o.webhook_id = queue.webhook_id AND o.key_hash = queue.key_hash ORDER BY o.position LIMIT 1) head`,
    values: columns(queues),
  });
  return result.rows.map((row) => ({
    webhookId: row.webhook_id,
    keyHash: row.key_hash,
    deliveryId: row.delivery_id,
    eventId: row.event_id,
    priority: row.priority,
    givenUp: row.given_up,
  }));
}

/**
 * Takes what ended out of its ordering queue. One that is exhausted stays where the webhook has those behind it wait, until
 * another delivery of its event succeeds. Lines are to be locked, and to be moved up by {@link advanceQueues} afterwards.
 */
export async function leaveQueues(client: PoolClient, ended: readonly Ended[]): Promise<void> {
  await client.query({
    name: 'leave-queues',
    text: `
      WITH ended AS (
        SELECT e.*, e.state = 'exhausted' AND EXISTS (
          SELECT FROM webhooks w WHERE w.id = e.webhook_id AND w.deleted_at IS NULL AND w.ordered AND w.on_exhausted = 'wait') AS waits
        FROM unnest($1::uuid[], $2::uuid[], $3::uuid[], $4::text[]) AS e(webhook_id, event_id, delivery_id, state)
      ), gone AS (
        DELETE FROM ordered_deliveries o USING ended e
        WHERE o.webhook_id = e.webhook_id AND o.event_id = e.event_id
          AND CASE WHEN o.delivery_id = e.delivery_id THEN NOT e.waits ELSE o.given_up AND e.state = 'delivered' END
      )
      UPDATE ordered_deliveries o SET given_up = true FROM ended e
      WHERE o.webhook_id = e.webhook_id AND o.event_id = e.event_id AND o.delivery_id = e.delivery_id AND e.waits`,
    values: [
      ended.map((delivery) => delivery.webhookId),
      ended.map((delivery) => delivery.eventId),
      ended.map((delivery) => delivery.deliveryId),
      ended.map((delivery) => delivery.state),
    ],
  });
}

/**
 * Lets the first of each ordering queue wait for a dispatcher, unless it does already; forgets empty queues. Lines are to be locked.
 * @returns the webhooks of which one waits now.
 */
export async function advanceQueues(client: PoolClient, queues: readonly OrderingQueue[]): Promise<Set<string>> {
  const heads = await findHeads(client, queues);
  const moved = await unblock(client, heads);
  const full = new Set(heads.map(queueName));
  const empty = queues.filter((queue) => !full.has(queueName(queue)));
  if (empty.length > 0) {
    await client.query({
      name: 'delete-empty-queues',
      text: `DELETE FROM ordering_queues l USING unnest($1::uuid[], $2::bytea[]) AS e(webhook_id, key_hash)
             WHERE l.webhook_id = e.webhook_id AND l.key_hash = e.key_hash`,
      values: columns(empty),
    });
  }
  return moved;
}

/** Lets blocked deliveries wait for a dispatcher; those in another state stay as they are. @returns the webhooks of those that wait now. */
export async function unblock(
  client: PoolClient,
  deliveries: readonly Pick<Head, 'deliveryId' | 'priority'>[],
): Promise<Set<string>> {
  if (deliveries.length === 0) return new Set();
  const ids = deliveries.map((delivery) => delivery.deliveryId);
  const sorted = ids.toSorted();
  const result = await client.query<{ webhook_id: string }>({
    name: 'unblock-deliveries',
    text: `
      WITH freed AS (
        UPDATE deliveries d SET state = 'queued', next_attempt_at = now() FROM unnest($1::uuid[]) AS wanted(id)
        WHERE d.id = wanted.id AND d.id = ANY($1::uuid[]) AND d.id >= $3 AND d.id <= $4 AND d.state = 'blocked' RETURNING d.id, d.tenant_id, d.webhook_id
      )
      INSERT INTO waiting_deliveries (delivery_id, tenant_id, webhook_id, due_at, priority)
      SELECT freed.id, freed.tenant_id, freed.webhook_id, now(), wanted.priority
      FROM freed JOIN unnest($1::uuid[], $2::smallint[]) AS wanted(id, priority) ON wanted.id = freed.id
      RETURNING webhook_id`,
    values: [ids, deliveries.map((delivery) => delivery.priority), sorted[0], sorted.at(-1)],
  });
  return new Set(result.rows.map((row) => row.webhook_id));
}

/** A line as the key of a map. */
export function queueName({ webhookId, keyHash }: OrderingQueue): string {
  return `${webhookId}:${keyHash.toString('hex')}`;
}

function columns(queues: readonly OrderingQueue[]): [string[], Buffer[]] {
  return [queues.map((queue) => queue.webhookId), queues.map((queue) => queue.keyHash)];
}
