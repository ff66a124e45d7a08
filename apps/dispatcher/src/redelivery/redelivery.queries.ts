import type { Pool, PoolClient } from 'pg';
import { inTransaction } from '#database/in-transaction';
import { hourOfUuid } from '#kernel/hours';
import { redeliveryUuid } from '#kernel/ids';

/** Deliveries looked at in one round, so that a rare event type costs the database no more than this at a time. */
const SCANNED_PER_ROUND = 10_000;
const FAILURES_UNTIL_GIVEN_UP = 10;
const SECONDS_PER_FAILURE = 5;

/** What one round of a job did. */
export interface Round {
  jobId: string;
  webhookId: string;
  /** Deliveries made. */
  made: number;
  /** How the job ended, or null while it goes on. */
  ended: 'completed' | 'cancelled' | null;
}

interface JobRow {
  id: string;
  tenant_id: string;
  webhook_id: string;
  delivery_status: string;
  event_types: string[] | null;
  rate_per_second: number;
  after_id: string;
  until_id: string;
  webhook_active: boolean;
  webhook_deleted: boolean;
  /** Payloads of events before it are not kept. */
  payloads_from: string;
}

interface OriginalRow {
  id: string;
  event_id: string;
  event_type: string;
  /** Null when retention took the event. */
  priority: number | null;
  has_payload: boolean | null;
}

/** Thrown around what a round threw, to name its job. */
export class RoundError extends Error {
  constructor(
    readonly jobId: string,
    cause: unknown,
  ) {
    super(`a round of bulk redelivery ${jobId} failed: ${String(cause)}`, { cause });
  }
}

/**
 * Does one second's share of the job that is due the longest and that no other dispatcher is at: makes the new
 * deliveries and moves the job on in one commit, so that a dispatcher that dies repeats nothing and leaves nothing out.
 * @param payloadDays how long the installation keeps payloads; a tenant may have less.
 * @returns null when no job is due.
 * @throws RoundError when the job's work fails; what the database throws when it is away.
 */
export function runRound(pool: Pool, payloadDays: number): Promise<Round | null> {
  return inTransaction(pool, async (client) => {
    const job = await lockDueJob(client, payloadDays);
    if (job === null) return null;
    return advance(client, job).catch((error: unknown) => {
      throw new RoundError(job.id, error);
    });
  });
}

/** Puts a job off whose round failed, longer every time, and gives it up in the end; answers whether it did. */
export async function noteFailedRound(pool: Pool, jobId: string): Promise<boolean> {
  const { rows } = await pool.query<{ status: string }>(
    `UPDATE redelivery_jobs SET failures = failures + 1, due_at = now() + (failures + 1) * make_interval(secs => $2),
       status = CASE WHEN failures + 1 >= $3 THEN 'failed' ELSE status END,
       reason = CASE WHEN failures + 1 >= $3 THEN 'Something went wrong on our side, again and again' END,
       finished_at = CASE WHEN failures + 1 >= $3 THEN now() END
     WHERE id = $1 AND status IN ('pending', 'running') RETURNING status`,
    [jobId, SECONDS_PER_FAILURE, FAILURES_UNTIL_GIVEN_UP],
  );
  return rows[0]?.status === 'failed';
}

async function lockDueJob(client: PoolClient, payloadDays: number): Promise<JobRow | null> {
  const { rows } = await client.query<JobRow>({
    name: 'lock-due-redelivery-job',
    text: `
      SELECT j.id, j.tenant_id, j.webhook_id, j.delivery_status, j.event_types, j.rate_per_second, j.after_id, j.until_id,
        w.active AS webhook_active, w.deleted_at IS NOT NULL AS webhook_deleted,
        uuid_floor(now() - make_interval(days => least($1::integer, (t.limits ->> 'payload_retention_days')::integer,
          (t.limits ->> 'record_retention_days')::integer))) AS payloads_from
      FROM redelivery_jobs j JOIN webhooks w ON w.id = j.webhook_id JOIN tenants t ON t.id = j.tenant_id
      WHERE j.status IN ('pending', 'running') AND j.due_at <= now()
      ORDER BY j.due_at LIMIT 1 FOR UPDATE OF j SKIP LOCKED`,
    values: [payloadDays],
  });
  return rows[0] ?? null;
}

async function advance(client: PoolClient, job: JobRow): Promise<Round> {
  const round = { jobId: job.id, webhookId: job.webhook_id };
  if (job.webhook_deleted || !job.webhook_active) {
    await client.query(
      `UPDATE redelivery_jobs SET status = 'cancelled', reason = $2, finished_at = now() WHERE id = $1`,
      [job.id, job.webhook_deleted ? 'The webhook was deleted' : 'The webhook was made inactive'],
    );
    return { ...round, made: 0, ended: 'cancelled' };
  }
  const { originals, scanned, lastScannedId } = await pickOriginals(client, job);
  const isFull = originals.length === job.rate_per_second;
  const isDone = !isFull && scanned < SCANNED_PER_ROUND;
  const afterId = (isFull ? originals.at(-1)?.id : lastScannedId) ?? job.after_id;
  const made = await redeliver(client, job, originals, { afterId, isDone });
  return { ...round, made, ended: isDone ? 'completed' : null };
}

// Scalar subqueries, which are index look-ups in one partition each: a join might read a whole table of payloads.
async function pickOriginals(
  client: PoolClient,
  job: JobRow,
): Promise<{ originals: OriginalRow[]; scanned: number; lastScannedId: string | null }> {
  const { rows } = await client.query<OriginalRow & { scanned: number; last_scanned_id: string | null }>(
    `WITH scanned AS MATERIALIZED (
       SELECT id, event_id, event_type, is_test FROM deliveries
       WHERE tenant_id = $1 AND webhook_id = $2 AND status = $3 AND id > $4 AND id < $5 ORDER BY id LIMIT $6
     ), originals AS MATERIALIZED (
       SELECT id, event_id, event_type FROM scanned
       WHERE NOT is_test AND ($7::text[] IS NULL OR event_type = ANY ($7)) ORDER BY id LIMIT $8
     )
     SELECT (SELECT count(*)::integer FROM scanned) AS scanned,
       (SELECT id FROM scanned ORDER BY id DESC LIMIT 1) AS last_scanned_id, o.id, o.event_id, o.event_type,
       (SELECT e.priority FROM events e WHERE e.id = o.event_id AND e.tenant_id = $1) AS priority,
       (SELECT true FROM event_payloads p WHERE p.event_id = o.event_id AND p.tenant_id = $1) AS has_payload
     FROM (SELECT) one LEFT JOIN originals o ON true ORDER BY o.id`,
    [
      job.tenant_id,
      job.webhook_id,
      job.delivery_status,
      job.after_id,
      job.until_id,
      SCANNED_PER_ROUND,
      job.event_types,
      job.rate_per_second,
    ],
  );
  const [first] = rows;
  return {
    // Where nothing is picked, the outer join still says what was scanned.
    originals: rows.filter((row) => (row.id as string | null) !== null),
    scanned: first?.scanned ?? 0,
    lastScannedId: first?.last_scanned_id ?? null,
  };
}

const REDELIVER = `
  WITH made AS (
    INSERT INTO deliveries (id, tenant_id, webhook_id, event_id, event_type, status, state, next_attempt_at, original_delivery_id)
    SELECT id, $2, $3, event_id, event_type, 'pending', 'queued', now(), original_id
    FROM unnest($4::uuid[], $5::uuid[], $6::text[], $7::uuid[]) AS wanted(id, event_id, event_type, original_id)
    ON CONFLICT DO NOTHING RETURNING id, event_type
  ), waiting AS (
    INSERT INTO waiting_deliveries (delivery_id, tenant_id, webhook_id, due_at, priority)
    SELECT made.id, $2, $3, now(), wanted.priority
    FROM made JOIN unnest($4::uuid[], $8::smallint[]) AS wanted(id, priority) ON wanted.id = made.id
  ), counted AS (
    INSERT INTO stats_deltas (tenant_id, webhook_id, event_type, hour, created)
    SELECT $2, $3, event_type, $9, count(*) FROM made GROUP BY event_type
  )
  UPDATE redelivery_jobs SET after_id = $10, redelivered = redelivered + (SELECT count(*) FROM made), skipped = skipped + $11,
    failures = 0, started_at = coalesce(started_at, now()),
    status = CASE WHEN $12::boolean THEN 'completed' ELSE 'running' END, finished_at = CASE WHEN $12::boolean THEN now() END,
    due_at = now() + make_interval(secs => $13)
  WHERE id = $1 RETURNING (SELECT count(*)::integer FROM made) AS made`;

/** Makes deliveries of those that can still be sent, and notes how far the job has come. */
async function redeliver(
  client: PoolClient,
  job: JobRow,
  originals: OriginalRow[],
  { afterId, isDone }: { afterId: string; isDone: boolean },
): Promise<number> {
  const kept = originals.filter(
    ({ priority, has_payload: hasPayload, event_id: eventId }) =>
      priority !== null && hasPayload === true && eventId >= job.payloads_from,
  );
  const { rows } = await client.query<{ made: number }>(REDELIVER, [
    job.id,
    job.tenant_id,
    job.webhook_id,
    kept.map((original) => redeliveryUuid(job.id, original.id)),
    kept.map((original) => original.event_id),
    kept.map((original) => original.event_type),
    kept.map((original) => original.id),
    kept.map((original) => original.priority),
    // All ids of a job are of its own instant.
    hourOfUuid(job.id),
    afterId,
    originals.length - kept.length,
    isDone,
    // A round that made none costs receivers nothing, so the next follows at once.
    kept.length === 0 ? 0 : 1,
  ]);
  return rows[0]?.made ?? 0;
}
