import type { Pool } from 'pg';
import { idsOf, type IdsRow } from '#database/ids-row';
import { textArray } from '#database/binary-arrays';
import { plainArray, plainColumn } from '#database/plain-array';
import { OUTCOME_PARAMETERS, outcomesAsTable, outcomeValues, type Outcome } from './outcome';

const parameter = (place: number): string => `$${String(OUTCOME_PARAMETERS + place)}`;

// What belongs to a delivery's row and is written with it, of the rows in `written`.
const BESIDE_THE_ROW = `kept AS (
  INSERT INTO attempts (delivery_id, number, tenant_id, started_at, duration_ms, status_code, error_class, error)
  SELECT id, attempts, tenant_id, started_at, duration_ms, status_code, error_class, error FROM written WHERE started_at IS NOT NULL
), bodies AS (
  INSERT INTO attempt_responses (delivery_id, number, tenant_id, body, truncated)
  SELECT id, attempts, tenant_id, body, truncated FROM written WHERE body_bytes > 0
), waiting AS (
  INSERT INTO waiting_deliveries (delivery_id, tenant_id, webhook_id, due_at, priority)
  SELECT id, tenant_id, webhook_id, due_at, priority FROM written WHERE due_at IS NOT NULL
)`;

const COUNTS = `count(*) FILTER (WHERE state = 'delivered'), count(*) FILTER (WHERE state = 'exhausted'), count(*) FILTER (WHERE state = 'cancelled'),
    coalesce(array_agg(response_time_ms) FILTER (WHERE status <> 'pending' AND state <> 'cancelled' AND response_time_ms IS NOT NULL), '{}'),
    max(last_attempt_at) FILTER (WHERE status <> 'pending')`;

// One statement, so one commit, for many outcomes. Only those whose owner and epoch still match are written. The id range
// leaves out partitions, and the array has the rows found by their ids: one old delivery makes the range a long one.
const RECORD = `
WITH input AS (${outcomesAsTable([{ parameter: `${parameter(1)}::integer[]`, column: 'epoch' }])}
), written AS (
  UPDATE deliveries d SET
    status = i.status, state = i.state, owner = NULL, next_attempt_at = i.due_at,
    attempts = d.attempts + CASE WHEN i.started_at IS NULL THEN 0 ELSE 1 END, probes = d.probes + i.is_probe::integer,
    last_attempt_at = coalesce(i.started_at + make_interval(secs => i.duration_ms / 1000.0), d.last_attempt_at),
    response_code = CASE WHEN i.started_at IS NULL THEN d.response_code ELSE i.status_code END,
    response_time_ms = CASE WHEN i.started_at IS NULL THEN d.response_time_ms ELSE i.duration_ms END,
    error_class = CASE WHEN i.started_at IS NULL AND i.error_class IS NULL THEN d.error_class ELSE i.error_class END,
    error = CASE WHEN i.started_at IS NULL AND i.error IS NULL THEN d.error ELSE i.error END
  FROM input i
  WHERE d.id = i.id AND d.id = ANY($1::uuid[]) AND d.id >= ${parameter(2)} AND d.id <= ${parameter(3)} AND d.owner = i.owner AND d.epoch = i.epoch
  RETURNING d.id, d.tenant_id, d.webhook_id, d.event_type, d.status, d.state, d.attempts, d.is_test, d.last_attempt_at,
    d.response_time_ms, i.due_at, i.started_at, i.duration_ms, i.status_code, i.error_class, i.error, i.hour, i.body, i.body_bytes, i.truncated, i.priority
), ${BESIDE_THE_ROW}, counted AS (
  INSERT INTO stats_deltas (tenant_id, webhook_id, event_type, hour, successful, failed, cancelled, response_times_ms, last_delivery_at)
  SELECT tenant_id, webhook_id, event_type, hour, ${COUNTS}
  FROM written WHERE status <> 'pending' AND NOT is_test GROUP BY 1, 2, 3, 4
)
SELECT string_agg(id::text, ',') AS ids FROM written`;

/** Writes outcomes; @returns the ids of those that still were this dispatcher's to write. */
export async function writeOutcomes(pool: Pick<Pool, 'query'>, outcomes: Outcome[]): Promise<Set<string>> {
  const sorted = outcomes.map(({ work }) => work.id).sort();
  const result = await pool.query<IdsRow>({
    name: 'record-outcomes',
    text: RECORD,
    values: [...outcomeValues(outcomes), plainColumn(outcomes, ({ work }) => work.epoch), sorted[0], sorted.at(-1)],
  });
  return idsOf(result);
}

// The same of deliveries that were sent before they had rows, so that each is written once, as it ended. Under a lock on
// the dispatcher's row against its deletion: one that was declared dead writes nothing. Batches that have all their rows
// with this commit are taken off the list of what is to be fanned out.
const RECORD_FIRST = `
WITH me AS (
  SELECT id FROM dispatchers WHERE id = ANY((SELECT $2::uuid[])::uuid[]) FOR KEY SHARE
), input AS (${outcomesAsTable([
  { parameter: `${parameter(1)}::uuid[]`, column: 'tenant_id' },
  { parameter: `${parameter(2)}::uuid[]`, column: 'webhook_id' },
  { parameter: `${parameter(3)}::uuid[]`, column: 'event_id' },
  { parameter: `${parameter(4)}::text[]`, column: 'event_type' },
])}
), mine AS (
  SELECT input.*, (started_at IS NOT NULL)::integer AS attempts, started_at + make_interval(secs => duration_ms / 1000.0) AS last_attempt_at,
    duration_ms AS response_time_ms
  FROM input JOIN me ON me.id = input.owner
), made AS (
  INSERT INTO deliveries (id, tenant_id, webhook_id, event_id, event_type, status, state, attempts, probes, epoch, next_attempt_at,
    last_attempt_at, response_code, response_time_ms, error_class, error)
  SELECT id, tenant_id, webhook_id, event_id, event_type, status, state, attempts, is_probe::integer, 1, due_at,
    last_attempt_at, status_code, response_time_ms, error_class, error
  FROM mine ON CONFLICT (id) DO NOTHING RETURNING id
), written AS (
  SELECT mine.* FROM mine JOIN made USING (id)
), ${BESIDE_THE_ROW}, counted AS (
  INSERT INTO stats_deltas (tenant_id, webhook_id, event_type, hour, created, successful, failed, cancelled, response_times_ms, last_delivery_at)
  SELECT tenant_id, webhook_id, event_type, hour, count(*), ${COUNTS}
  FROM written GROUP BY 1, 2, 3, 4
), finished AS (
  DELETE FROM event_batches f USING me WHERE f.id = ANY(${parameter(5)}::uuid[]) AND f.owner = me.id
)
SELECT string_agg(id::text, ',') AS ids FROM written`;

/**
 * Writes the first outcomes of deliveries that have no rows; doing it twice changes nothing.
 * @param finished batches that have all their rows then.
 * @returns the ids of those that still were this dispatcher's to write.
 */
export async function writeFirstOutcomes(pool: Pool, outcomes: Outcome[], finished: string[]): Promise<Set<string>> {
  const result = await pool.query<IdsRow>({
    name: 'record-first-outcomes',
    text: RECORD_FIRST,
    values: [
      ...outcomeValues(outcomes),
      plainColumn(outcomes, ({ work }) => work.tenantId),
      plainColumn(outcomes, ({ work }) => work.webhookId),
      plainColumn(outcomes, ({ work }) => work.event.id),
      textArray(outcomes.map(({ work }) => work.event.type)),
      plainArray(finished),
    ],
  });
  return idsOf(result);
}
