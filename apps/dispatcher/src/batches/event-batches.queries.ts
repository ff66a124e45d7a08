import type { Pool } from 'pg';
import { plainArray } from '#database/plain-array';
import type { EventRecord } from '../lanes/delivery-work';

/** An event to be fanned out, with the version of its tenant's webhooks at this moment. */
export interface PendingEvent extends EventRecord {
  webhooksVersion: bigint;
  orderingKey: string | null;
}

/** Events that were accepted together; none is left of a batch whose events were cancelled. */
export interface EventBatch {
  batchId: string;
  events: PendingEvent[];
  /** Of the ordering key that its events share, where they do. */
  keyHash: Buffer | null;
  /** Whether an earlier batch of its key is to be fanned out first, and by another. */
  isBehind: boolean;
  /** Whether it is this dispatcher's now, and none of its deliveries was ever sent: they may go before they have rows. */
  isOpen: boolean;
}

interface PendingEventRow {
  id: string;
  tenant_id: string;
  project_id: string | null;
  type: string;
  client_event_id: string | null;
  occurred_at: Date;
  version: string;
  priority: number;
  ordering_key: string | null;
  data: Buffer;
  webhooks_version: string;
}

interface BatchRow {
  batch_id: string;
  key_hash: Buffer | null;
  is_behind: boolean;
  is_open: boolean;
  is_last: boolean;
}

/** A row of an outer join that may have found nothing. */
type OuterJoined<T> = T | { [K in keyof T]: null };

/** Payload bytes read at once, unless a single batch has more: what one commit of events has at most. */
export const MAX_READ_BYTES = 4 * 1024 * 1024;

/**
 * Batches that are due and that nobody has fanned out, with their events in the order of their ids: the first of them,
 * by position, that together have no more payload than may be read at once, and one at least. Those that have no place in
 * an ordering queue, and that nobody has opened before, are opened in the dispatcher's name; see `batches/open-batches.ts`.
 * `OFFSET 0` has each event looked up by its id: joined freely, a planner with young statistics goes through all events
 * of the tenant to find a few. The array behind a SELECT hides its length: for one of known length each execution would be
 * planned anew, which takes longer than the execution.
 * @returns with the ids of those that were left out, or that were none.
 */
export async function takeBatches(
  pool: Pool,
  dispatcherId: string,
  batchIds: string[],
): Promise<{ batches: EventBatch[]; unread: string[] }> {
  const result = await pool.query<OuterJoined<PendingEventRow> & BatchRow>({
    name: 'take-event-batches',
    text: `
      WITH me AS (
        SELECT id FROM dispatchers WHERE id = $3 FOR KEY SHARE
      ), found AS (
        SELECT *, sum(data_bytes) OVER places AS bytes, row_number() OVER places AS place, count(*) OVER () AS total
        FROM event_batches WHERE id = ANY((SELECT $1::uuid[])::uuid[]) AND due_at <= now() AND owner IS NULL
        WINDOW places AS (ORDER BY position NULLS FIRST, id ROWS UNBOUNDED PRECEDING)
      ), free AS (
        SELECT p.id FROM found f JOIN event_batches p ON p.id = f.id CROSS JOIN me
        WHERE f.key_hash IS NULL AND (f.bytes <= $2 OR f.place = 1) AND p.owner IS NULL AND NOT p.was_opened
        FOR UPDATE OF p SKIP LOCKED
      ), opened AS (
        UPDATE event_batches p SET owner = $3, was_opened = true FROM free WHERE p.id = free.id RETURNING p.id
      )
      SELECT f.id AS batch_id, f.key_hash, f.key_hash IS NOT NULL AND EXISTS (
          SELECT FROM event_batches b WHERE b.key_hash = f.key_hash AND b.position < f.position
            AND NOT (b.id = ANY((SELECT $1::uuid[])::uuid[]) AND b.due_at <= now())) AS is_behind,
        opened.id IS NOT NULL AS is_open, f.place = f.total AS is_last, pending.*
      FROM found f LEFT JOIN opened ON opened.id = f.id
      LEFT JOIN LATERAL (
        SELECT e.*, p.data, (SELECT webhooks_version FROM tenants t WHERE t.id = e.tenant_id) AS webhooks_version
        FROM unnest(f.event_ids) AS wanted(event_id)
        CROSS JOIN LATERAL (
          SELECT id, tenant_id, project_id, type, client_event_id, occurred_at, version, priority, ordering_key
          FROM events WHERE id = wanted.event_id AND cancelled_at IS NULL OFFSET 0) e
        CROSS JOIN LATERAL (SELECT data FROM event_payloads WHERE event_id = wanted.event_id OFFSET 0) p
      ) pending ON true
      WHERE (f.bytes <= $2 OR f.place = 1) AND (f.key_hash IS NOT NULL OR f.was_opened OR opened.id IS NOT NULL)
      ORDER BY f.place`,
    values: [plainArray(batchIds), MAX_READ_BYTES, dispatcherId],
  });
  const batches = new Map<string, EventBatch>();
  for (const row of result.rows) {
    const batch = batches.get(row.batch_id) ?? {
      ...{ batchId: row.batch_id, keyHash: row.key_hash, isBehind: row.is_behind, isOpen: row.is_open },
      events: [],
    };
    batches.set(row.batch_id, batch);
    if (row.id !== null) batch.events.push(toPendingEvent(row));
  }
  for (const { events } of batches.values()) events.sort((a, b) => (a.id < b.id ? -1 : 1));
  const isAll = result.rows.at(-1)?.is_last ?? true;
  return { batches: [...batches.values()], unread: isAll ? [] : batchIds.filter((id) => !batches.has(id)) };
}

function toPendingEvent(row: PendingEventRow): PendingEvent {
  return {
    id: row.id,
    tenantId: row.tenant_id,
    projectId: row.project_id,
    type: row.type,
    clientEventId: row.client_event_id,
    occurredAtMs: row.occurred_at.getTime(),
    version: row.version,
    priority: row.priority,
    orderingKey: row.ordering_key,
    data: row.data,
    webhooksVersion: BigInt(row.webhooks_version),
  };
}

/** Lets batches wait a while longer, unless they are open elsewhere. */
export async function postponeBatches(
  pool: Pool,
  dispatcherId: string,
  batchIds: string[],
  seconds: number,
): Promise<void> {
  await pool.query(
    `UPDATE event_batches SET due_at = now() + make_interval(secs => $3), owner = NULL
     WHERE id = ANY($2::uuid[]) AND (owner IS NULL OR owner = $1)`,
    [dispatcherId, batchIds, seconds],
  );
}

/** Takes open batches off the list whose deliveries all have rows. */
export async function closeBatches(pool: Pool, dispatcherId: string, batchIds: string[]): Promise<void> {
  await pool.query({
    name: 'close-batches',
    text: 'DELETE FROM event_batches WHERE id = ANY($2::uuid[]) AND owner = $1',
    values: [dispatcherId, batchIds],
  });
}

/** Lets anyone begin open batches anew. */
export async function releaseBatches(pool: Pool, dispatcherId: string, batchIds: string[]): Promise<void> {
  await pool.query('UPDATE event_batches SET owner = NULL WHERE id = ANY($2::uuid[]) AND owner = $1', [
    dispatcherId,
    batchIds,
  ]);
}

/** Batches of ordering keys that are next and due, in their order. */
export async function findNextOfKeys(pool: Pool, keyHashes: Buffer[], limit: number): Promise<string[]> {
  const result = await pool.query<{ id: string }>({
    name: 'find-next-of-keys',
    text: `
      SELECT next.id FROM unnest($1::bytea[]) AS wanted(key_hash) CROSS JOIN LATERAL (
        SELECT id, due_at FROM event_batches f WHERE f.key_hash = wanted.key_hash ORDER BY f.position LIMIT $2) next
      WHERE next.due_at <= now() LIMIT $2`,
    values: [keyHashes, limit],
  });
  return result.rows.map((row) => row.id);
}
