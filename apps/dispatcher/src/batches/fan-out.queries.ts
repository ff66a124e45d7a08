import type { Pool, PoolClient } from 'pg';
import { idsOf, type IdsRow } from '#database/ids-row';
import { plainArray, plainColumn } from '#database/plain-array';
import { hourOfUuid } from '#kernel/hours';

/** One delivery to be made; those `in_flight` go into this dispatcher's lanes, the others wait in the database. */
export interface PlannedDelivery {
  batchId: string;
  id: string;
  tenantId: string;
  webhookId: string;
  eventId: string;
  eventType: string;
  priority: number;
  state: 'in_flight' | 'queued' | 'blocked' | 'throttled' | 'held';
  /** Of its ordering key, where the webhook gets such events one after the other. */
  keyHash: Buffer | null;
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
  DELETE FROM event_batches f USING me
  WHERE f.id = ANY($2::uuid[]) AND (f.due_at <= now() OR f.id = $12) AND (f.owner IS NULL OR f.owner = me.id) RETURNING f.id
), unfinished AS (
  UPDATE event_batches f SET due_at = now() + make_interval(secs => $14), owner = NULL FROM me
  WHERE f.id = $13 AND (f.due_at <= now() OR f.id = $12) AND (f.owner IS NULL OR f.owner = me.id) RETURNING f.id
), taken AS (
  SELECT id FROM finished UNION ALL SELECT id FROM unfinished
  UNION ALL SELECT f.id FROM event_batches f JOIN me ON me.id = f.owner WHERE f.id = ANY($15::uuid[])
), made AS (
  INSERT INTO deliveries (id, tenant_id, webhook_id, event_id, event_type, status, state, owner, epoch)
  SELECT p.id, p.tenant_id, p.webhook_id, p.event_id, p.event_type, 'pending',
    p.state, CASE WHEN p.state = 'in_flight' THEN $1::uuid END, (p.state = 'in_flight')::integer
  FROM unnest($3::uuid[], $4::uuid[], $5::uuid[], $6::uuid[], $7::uuid[], $8::text[], $9::text[])
    AS p(batch_id, id, tenant_id, webhook_id, event_id, event_type, state)
  JOIN taken ON taken.id = p.batch_id
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

// Places are drawn one after the other, in the order in which the deliveries are given, while their ordering queues are locked.
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
  const result = await pool.query<IdsRow>({
    name: 'fan-out',
    text: FAN_OUT,
    values: fanOutValues(dispatcherId, write),
  });
  return idsOf(result);
}

/** {@link writeFanOut} with deliveries that go into ordering queues, which are to be locked; answers all that were made. */
export async function writeOrderedFanOut(
  client: PoolClient,
  dispatcherId: string,
  write: FanOutWrite,
): Promise<{ made: { id: string; held: boolean }[]; unfinished: string[] }> {
  const result = await client.query<{ id: string; held: boolean; is_batch: boolean }>({
    name: 'fan-out-ordered',
    text: FAN_OUT_IN_LINE,
    values: [...fanOutValues(dispatcherId, write), write.planned.map((delivery) => delivery.keyHash)],
  });
  return {
    made: result.rows.filter((row) => !row.is_batch),
    unfinished: result.rows.flatMap((row) => (row.is_batch ? [row.id] : [])),
  };
}

function fanOutValues(
  dispatcherId: string,
  { planned, finished, open, continued, unfinished }: FanOutWrite,
): unknown[] {
  return [
    dispatcherId,
    plainArray(finished),
    plainColumn(planned, (delivery) => delivery.batchId),
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
