import type { Pool, PoolClient } from 'pg';
import { idsOf, type IdsRow } from '#database/ids-row';
import { plainArray, plainColumn } from '#database/plain-array';
import { hourOfUuid } from '#kernel/hours';
import type { EventRecord } from '../deliver/delivery-work';

/** An event to be fanned out, with the version of its tenant's webhooks at this moment. */
export interface PendingEvent extends EventRecord {
  webhooksVersion: bigint;
  orderingKey: string | null;
}

/** Events that were accepted together; none is left of a batch whose events were cancelled. */
export interface PendingBatch {
  fanOutId: string;
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
  fan_out_id: string;
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
 * a line, and that nobody has opened before, are opened in the dispatcher's name; see `deliver/open-batches.ts`.
 * `OFFSET 0` has each event looked up by its id: joined freely, a planner with young statistics goes through all events
 * of the tenant to find a few. The array behind a SELECT hides its length: for one of known length each execution would be
 * planned anew, which takes longer than the execution.
 * @returns with the ids of those that were left out, or that were none.
 */
export async function takePendingBatches(
  pool: Pool,
  dispatcherId: string,
  fanOutIds: string[],
): Promise<{ batches: PendingBatch[]; unread: string[] }> {
  const answer = await pool.query<OuterJoined<PendingEventRow> & BatchRow>({
    name: 'take-pending-events',
    text: `
      WITH me AS (
        SELECT id FROM dispatchers WHERE id = $3 FOR KEY SHARE
      ), found AS (
        SELECT *, sum(data_bytes) OVER places AS bytes, row_number() OVER places AS place, count(*) OVER () AS total
        FROM pending_fan_outs WHERE id = ANY((SELECT $1::uuid[])::uuid[]) AND due_at <= now() AND owner IS NULL
        WINDOW places AS (ORDER BY position NULLS FIRST, id ROWS UNBOUNDED PRECEDING)
      ), free AS (
        SELECT p.id FROM found f JOIN pending_fan_outs p ON p.id = f.id CROSS JOIN me
        WHERE f.key_hash IS NULL AND (f.bytes <= $2 OR f.place = 1) AND p.owner IS NULL AND NOT p.was_opened
        FOR UPDATE OF p SKIP LOCKED
      ), opened AS (
        UPDATE pending_fan_outs p SET owner = $3, was_opened = true FROM free WHERE p.id = free.id RETURNING p.id
      )
      SELECT f.id AS fan_out_id, f.key_hash, f.key_hash IS NOT NULL AND EXISTS (
          SELECT FROM pending_fan_outs b WHERE b.key_hash = f.key_hash AND b.position < f.position
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
    values: [plainArray(fanOutIds), MAX_READ_BYTES, dispatcherId],
  });
  const batches = new Map<string, PendingBatch>();
  for (const row of answer.rows) {
    const batch = batches.get(row.fan_out_id) ?? {
      ...{ fanOutId: row.fan_out_id, keyHash: row.key_hash, isBehind: row.is_behind, isOpen: row.is_open },
      events: [],
    };
    batches.set(row.fan_out_id, batch);
    if (row.id !== null) batch.events.push(toPendingEvent(row));
  }
  for (const { events } of batches.values()) events.sort((a, b) => (a.id < b.id ? -1 : 1));
  const isAll = answer.rows.at(-1)?.is_last ?? true;
  return { batches: [...batches.values()], unread: isAll ? [] : fanOutIds.filter((id) => !batches.has(id)) };
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
export async function postponeFanOuts(
  pool: Pool,
  dispatcherId: string,
  fanOutIds: string[],
  seconds: number,
): Promise<void> {
  await pool.query(
    `UPDATE pending_fan_outs SET due_at = now() + make_interval(secs => $3), owner = NULL
     WHERE id = ANY($2::uuid[]) AND (owner IS NULL OR owner = $1)`,
    [dispatcherId, fanOutIds, seconds],
  );
}

/** Takes open batches off the list whose deliveries all have rows. */
export async function closeBatches(pool: Pool, dispatcherId: string, fanOutIds: string[]): Promise<void> {
  await pool.query({
    name: 'close-batches',
    text: 'DELETE FROM pending_fan_outs WHERE id = ANY($2::uuid[]) AND owner = $1',
    values: [dispatcherId, fanOutIds],
  });
}

/** Lets anyone begin open batches anew. */
export async function releaseBatches(pool: Pool, dispatcherId: string, fanOutIds: string[]): Promise<void> {
  await pool.query('UPDATE pending_fan_outs SET owner = NULL WHERE id = ANY($2::uuid[]) AND owner = $1', [
    dispatcherId,
    fanOutIds,
  ]);
}

/** One delivery to be made; those `in_flight` go into this dispatcher's lanes, the others wait in the database. */
export interface PlannedDelivery {
  fanOutId: string;
  id: string;
  tenantId: string;
  webhookId: string;
  eventId: string;
  eventType: string;
  priority: number;
  state: 'in_flight' | 'queued' | 'blocked' | 'throttled' | 'held';
  /** Of its ordering key, where the webhook gets such events one after the other. */
  line: Buffer | null;
}

// One statement, so one commit: the batch is no longer pending, its deliveries exist, and the statistics
// count them. A batch that another dispatcher took, or that was done before, makes nothing. Of one that is cut into
// several chunks all but the last leave it pending, and put it off, so that others leave it alone while it goes on
// here and begin it anew when it does not; what they repeat makes nothing. The dispatcher's own row is locked against
// deletion: one that was declared dead makes nothing either.
const fanOutStatement = (inLine: string, result: string): string => `
WITH me AS (
  SELECT id FROM dispatchers WHERE id = $1 FOR KEY SHARE
), finished AS (
  DELETE FROM pending_fan_outs f USING me
  WHERE f.id = ANY($2::uuid[]) AND (f.due_at <= now() OR f.id = $12) AND (f.owner IS NULL OR f.owner = me.id) RETURNING f.id
), unfinished AS (
  UPDATE pending_fan_outs f SET due_at = now() + make_interval(secs => $14), owner = NULL FROM me
  WHERE f.id = $13 AND (f.due_at <= now() OR f.id = $12) AND (f.owner IS NULL OR f.owner = me.id) RETURNING f.id
), taken AS (
  SELECT id FROM finished UNION ALL SELECT id FROM unfinished
  UNION ALL SELECT f.id FROM pending_fan_outs f JOIN me ON me.id = f.owner WHERE f.id = ANY($15::uuid[])
), made AS (
  INSERT INTO deliveries (id, tenant_id, webhook_id, event_id, event_type, status, state, owner, epoch)
  SELECT p.id, p.tenant_id, p.webhook_id, p.event_id, p.event_type, 'pending',
    p.state, CASE WHEN p.state = 'in_flight' THEN $1::uuid END, (p.state = 'in_flight')::integer
  FROM unnest($3::uuid[], $4::uuid[], $5::uuid[], $6::uuid[], $7::uuid[], $8::text[], $9::text[])
    AS p(fan_out_id, id, tenant_id, webhook_id, event_id, event_type, state)
  JOIN taken ON taken.id = p.fan_out_id
  ON CONFLICT (id) DO NOTHING
  RETURNING id, tenant_id, webhook_id, event_id, event_type, state, owner
), waiting AS (
  INSERT INTO waiting_deliveries (delivery_id, tenant_id, webhook_id, due_at, priority)
  SELECT made.id, made.tenant_id, made.webhook_id, now(), p.priority
  FROM made JOIN unnest($4::uuid[], $11::smallint[]) AS p(id, priority) ON p.id = made.id WHERE made.owner IS NULL AND made.state <> 'blocked'
), counted AS (
  INSERT INTO stats_deltas (tenant_id, webhook_id, event_type, hour, created)
  SELECT made.tenant_id, made.webhook_id, made.event_type, h.hour, count(*)
  FROM made JOIN unnest($4::uuid[], $10::timestamptz[]) AS h(id, hour) ON h.id = made.id
  GROUP BY 1, 2, 3, 4
)${inLine}
${result}`;

const FAN_OUT = fanOutStatement(
  '',
  `SELECT string_agg(id::text, ',') AS ids
  FROM (SELECT id FROM made WHERE owner IS NOT NULL UNION ALL SELECT id FROM unfinished) held`,
);

// Places are drawn one after the other, in the order in which the deliveries are given, while their lines are locked.
const FAN_OUT_IN_LINE = fanOutStatement(
  `, in_line AS (
  INSERT INTO ordered_deliveries (webhook_id, event_id, tenant_id, key_hash, position, delivery_id, priority)
  SELECT webhook_id, event_id, tenant_id, key_hash, nextval('ordering_positions'), id, priority
  FROM (
    SELECT made.*, l.key_hash, l.priority FROM made
    JOIN unnest($4::uuid[], $16::bytea[], $11::smallint[]) WITH ORDINALITY AS l(id, key_hash, priority, place) ON l.id = made.id
    WHERE l.key_hash IS NOT NULL ORDER BY l.place) ordered
  ON CONFLICT (webhook_id, event_id) DO NOTHING
)`,
  'SELECT id, owner IS NOT NULL AS held, false AS is_batch FROM made UNION ALL SELECT id, false, true FROM unfinished',
);

/** How long a batch that is fanned out in several chunks is left alone by others after each. */
const CHUNK_GRACE_SECONDS = 10;

/** What one statement is to make. */
export interface FanOutWrite {
  planned: PlannedDelivery[];
  /** Batches to be taken off the list. */
  finished: string[];
  /** Batches of which other deliveries are on their way without rows, so that they stay on the list. */
  open: string[];
  /** The batch whose earlier chunks were made here, if any; it need not be due. */
  continued: string | null;
  /** The batch that goes on in the next chunk. */
  unfinished: string | null;
}

/**
 * Makes deliveries of batches and takes finished batches off the list; doing it twice changes nothing.
 * @returns the ids of the deliveries that this dispatcher now holds, and of the unfinished batch, unless it was taken by
 *   another: who goes on all the same would take it off the list, although nobody made what was skipped here.
 */
export async function writeFanOut(pool: Pool, dispatcherId: string, write: FanOutWrite): Promise<Set<string>> {
  const answer = await pool.query<IdsRow>({
    name: 'fan-out',
    text: FAN_OUT,
    values: fanOutValues(dispatcherId, write),
  });
  return idsOf(answer);
}

/** {@link writeFanOut} with deliveries that go into lines, which are to be locked; answers all that were made. */
export async function writeFanOutInLine(
  client: PoolClient,
  dispatcherId: string,
  write: FanOutWrite,
): Promise<{ made: { id: string; held: boolean }[]; unfinished: string[] }> {
  const answer = await client.query<{ id: string; held: boolean; is_batch: boolean }>({
    name: 'fan-out-in-line',
    text: FAN_OUT_IN_LINE,
    values: [...fanOutValues(dispatcherId, write), write.planned.map((delivery) => delivery.line)],
  });
  return {
    made: answer.rows.filter((row) => !row.is_batch),
    unfinished: answer.rows.flatMap((row) => (row.is_batch ? [row.id] : [])),
  };
}

/** Batches of ordering keys that are next and due, in their order. */
export async function findNextInLine(pool: Pool, keyHashes: Buffer[], limit: number): Promise<string[]> {
  const answer = await pool.query<{ id: string }>({
    name: 'find-next-in-line',
    text: `
      SELECT next.id FROM unnest($1::bytea[]) AS wanted(key_hash) CROSS JOIN LATERAL (
        SELECT id, due_at FROM pending_fan_outs f WHERE f.key_hash = wanted.key_hash ORDER BY f.position LIMIT $2) next
      WHERE next.due_at <= now() LIMIT $2`,
    values: [keyHashes, limit],
  });
  return answer.rows.map((row) => row.id);
}

function fanOutValues(
  dispatcherId: string,
  { planned, finished, open, continued, unfinished }: FanOutWrite,
): unknown[] {
  return [
    dispatcherId,
    plainArray(finished),
    plainColumn(planned, (delivery) => delivery.fanOutId),
    plainColumn(planned, (delivery) => delivery.id),
    plainColumn(planned, (delivery) => delivery.tenantId),
    plainColumn(planned, (delivery) => delivery.webhookId),
    plainColumn(planned, (delivery) => delivery.eventId),
    planned.map((delivery) => delivery.eventType),
    plainColumn(planned, (delivery) => delivery.state),
    plainColumn(planned, (delivery) => hourOfUuid(delivery.id)),
    plainColumn(planned, (delivery) => delivery.priority),
    continued,
    unfinished,
    CHUNK_GRACE_SECONDS,
    plainArray(open),
  ];
}
