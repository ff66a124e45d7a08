import type { Pool } from 'pg';
import type { EventRecord } from '../deliver/delivery-work';

/** An event to be fanned out, with the version of its tenant's webhooks at this moment. */
export interface PendingEvent extends EventRecord {
  webhooksVersion: bigint;
}

/** Events that were accepted together; none is left of a batch whose events were cancelled. */
export interface PendingBatch {
  fanOutId: string;
  events: PendingEvent[];
}

interface PendingEventRow {
  fan_out_id: string;
  id: string;
  tenant_id: string;
  project_id: string | null;
  type: string;
  client_event_id: string | null;
  occurred_at: Date;
  version: string;
  priority: number;
  data: Buffer;
  webhooks_version: string;
}

/** A row of an outer join that may have found nothing. */
type OuterJoined<T> = T | { [K in keyof T]: null };

/** Batches that are due and that nobody has fanned out, with their events in the order of their ids. Takes no lock. */
export async function readPendingBatches(pool: Pool, fanOutIds: string[]): Promise<PendingBatch[]> {
  const answer = await pool.query<OuterJoined<Omit<PendingEventRow, 'fan_out_id'>> & { fan_out_id: string }>({
    name: 'read-pending-events',
    text: `
      SELECT f.id AS fan_out_id, pending.*
      FROM pending_fan_outs f
      LEFT JOIN LATERAL (
        SELECT e.id, e.tenant_id, e.project_id, e.type, e.client_event_id, e.occurred_at, e.version, e.priority, p.data,
          t.webhooks_version
        FROM unnest(f.event_ids) AS wanted(event_id)
        JOIN events e ON e.id = wanted.event_id
        JOIN event_payloads p ON p.event_id = wanted.event_id
        JOIN tenants t ON t.id = e.tenant_id
        WHERE e.cancelled_at IS NULL
      ) pending ON true
      WHERE f.id = ANY($1::uuid[]) AND f.due_at <= now()`,
    values: [fanOutIds],
  });
  const batches = new Map<string, PendingBatch>();
  for (const row of answer.rows) {
    const batch = batches.get(row.fan_out_id) ?? { fanOutId: row.fan_out_id, events: [] };
    batches.set(row.fan_out_id, batch);
    if (row.id !== null) batch.events.push(toPendingEvent(row));
  }
  for (const { events } of batches.values()) events.sort((a, b) => (a.id < b.id ? -1 : 1));
  return [...batches.values()];
}

function toPendingEvent(row: Omit<PendingEventRow, 'fan_out_id'>): PendingEvent {
  return {
    id: row.id,
    tenantId: row.tenant_id,
    projectId: row.project_id,
    type: row.type,
    clientEventId: row.client_event_id,
    occurredAtMs: row.occurred_at.getTime(),
    version: row.version,
    priority: row.priority,
    data: row.data,
    webhooksVersion: BigInt(row.webhooks_version),
  };
}

/** Lets batches wait a while longer. */
export async function postponeFanOuts(pool: Pool, fanOutIds: string[], seconds: number): Promise<void> {
  await pool.query(
    'UPDATE pending_fan_outs SET due_at = now() + make_interval(secs => $2) WHERE id = ANY($1::uuid[])',
    [fanOutIds, seconds],
  );
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
  state: 'in_flight' | 'queued' | 'throttled' | 'held';
}

// One statement, so one commit: the batch is no longer pending, its deliveries exist, and the statistics
// count them. A batch that another dispatcher took, or that was done before, makes nothing. Of one that is cut into
// several chunks all but the last leave it pending, and put it off, so that others leave it alone while it goes on
// here and begin it anew when it does not; what they repeat makes nothing. The dispatcher's own row is locked against
// deletion: one that was declared dead makes nothing either.
const FAN_OUT = `
WITH me AS (
  SELECT id FROM dispatchers WHERE id = $1 FOR KEY SHARE
), finished AS (
  DELETE FROM pending_fan_outs f USING me
  WHERE f.id = ANY($2::uuid[]) AND (f.due_at <= now() OR f.id = $12) RETURNING f.id
), unfinished AS (
  UPDATE pending_fan_outs f SET due_at = now() + make_interval(secs => $14) FROM me
  WHERE f.id = $13 AND (f.due_at <= now() OR f.id = $12) RETURNING f.id
), taken AS (
  SELECT id FROM finished UNION ALL SELECT id FROM unfinished
), made AS (
  INSERT INTO deliveries (id, tenant_id, webhook_id, event_id, event_type, status, state, owner, epoch)
  SELECT p.id, p.tenant_id, p.webhook_id, p.event_id, p.event_type, 'pending',
    p.state, CASE WHEN p.state = 'in_flight' THEN $1::uuid END, (p.state = 'in_flight')::integer
  FROM unnest($3::uuid[], $4::uuid[], $5::uuid[], $6::uuid[], $7::uuid[], $8::text[], $9::text[])
    AS p(fan_out_id, id, tenant_id, webhook_id, event_id, event_type, state)
  JOIN taken ON taken.id = p.fan_out_id
  ON CONFLICT (id) DO NOTHING
  RETURNING id, tenant_id, webhook_id, event_type, owner
), waiting AS (
  INSERT INTO waiting_deliveries (delivery_id, tenant_id, webhook_id, due_at, priority)
  SELECT made.id, made.tenant_id, made.webhook_id, now(), p.priority
  FROM made JOIN unnest($4::uuid[], $11::smallint[]) AS p(id, priority) ON p.id = made.id WHERE made.owner IS NULL
), counted AS (
  INSERT INTO stats_deltas (tenant_id, webhook_id, event_type, hour, created)
  SELECT made.tenant_id, made.webhook_id, made.event_type, h.hour, count(*)
  FROM made JOIN unnest($4::uuid[], $10::timestamptz[]) AS h(id, hour) ON h.id = made.id
  GROUP BY 1, 2, 3, 4
)
SELECT id FROM made WHERE owner IS NOT NULL`;

/** How long a batch that is fanned out in several chunks is left alone by others after each. */
const CHUNK_GRACE_SECONDS = 10;

/** What one statement is to make. */
export interface FanOutWrite {
  planned: PlannedDelivery[];
  /** Batches to be taken off the list. */
  finished: string[];
  /** The batch whose earlier chunks were made here, if any; it need not be due. */
  continued: string | null;
  /** The batch that goes on in the next chunk. */
  unfinished: string | null;
}

/**
 * Makes deliveries of batches and takes finished batches off the list; doing it twice changes nothing.
 * @returns the ids of the deliveries that this dispatcher now holds.
 */
export async function writeFanOut(
  pool: Pool,
  dispatcherId: string,
  { planned, finished, continued, unfinished }: FanOutWrite,
  hourOf: (id: string) => string,
): Promise<Set<string>> {
  const answer = await pool.query<{ id: string }>({
    name: 'fan-out',
    text: FAN_OUT,
    values: [
      dispatcherId,
      finished,
      planned.map((delivery) => delivery.fanOutId),
      planned.map((delivery) => delivery.id),
      planned.map((delivery) => delivery.tenantId),
      planned.map((delivery) => delivery.webhookId),
      planned.map((delivery) => delivery.eventId),
      planned.map((delivery) => delivery.eventType),
      planned.map((delivery) => delivery.state),
      planned.map((delivery) => hourOf(delivery.id)),
      planned.map((delivery) => delivery.priority),
      continued,
      unfinished,
      CHUNK_GRACE_SECONDS,
    ],
  });
  return new Set(answer.rows.map((row) => row.id));
}
