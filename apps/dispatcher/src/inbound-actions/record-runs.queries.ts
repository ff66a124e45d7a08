import type { Pool } from 'pg';
import { instantArray, textArray } from '#database/binary-arrays';
import { plainColumn } from '#database/plain-array';
import type { InboundWork } from './inbound-work';

/** What is to be written about one run. */
export interface RunOutcome {
  work: InboundWork;
  status: 'succeeded' | 'failed' | 'skipped' | 'waiting';
  /** Whether an attempt was made that counts. */
  counts: boolean;
  /** Unix ms at which it is due again; null when it is finished. */
  dueAtMs: number | null;
  /** JSON; null leaves what the attempt before left. */
  result: string | null;
  error: string | null;
}

// One statement, so one commit, for many outcomes. Only those whose owner and epoch still match are written. The id range
// leaves out partitions, and the array has the rows found by their ids: one old run makes the range a long one.
const RECORD = `
WITH input AS (
  SELECT * FROM unnest($1::uuid[], $2::uuid[], $3::integer[], $4::text[], $5::integer[], $6::timestamptz[], $7::text[], $8::text[])
    AS t(run_id, owner, epoch, status, counted, due_at, result, error)
), finished AS (
  DELETE FROM waiting_inbound_actions w USING input i
  WHERE w.run_id = i.run_id AND w.owner = i.owner AND w.epoch = i.epoch AND i.due_at IS NULL RETURNING w.run_id
), put_back AS (
  UPDATE waiting_inbound_actions w SET owner = NULL, due_at = i.due_at FROM input i
  WHERE w.run_id = i.run_id AND w.owner = i.owner AND w.epoch = i.epoch AND i.due_at IS NOT NULL RETURNING w.run_id
)
UPDATE inbound_action_runs r SET
  status = i.status, attempts = r.attempts + i.counted, next_attempt_at = i.due_at,
  finished_at = CASE WHEN i.due_at IS NULL THEN now() END, result = coalesce(i.result, r.result), error = i.error
FROM input i
WHERE r.id = i.run_id AND r.id = ANY(ARRAY(SELECT run_id FROM finished UNION ALL SELECT run_id FROM put_back))
  AND r.id >= $9 AND r.id <= $10
RETURNING r.id`;

/** Writes outcomes; @returns the ids of those that still were this dispatcher's to write. */
export async function writeRunOutcomes(pool: Pool, outcomes: RunOutcome[]): Promise<Set<string>> {
  const sorted = outcomes.map((outcome) => outcome.work.runId).sort();
  const result = await pool.query<{ id: string }>({
    name: 'record-runs',
    text: RECORD,
    values: [
      plainColumn(outcomes, ({ work }) => work.runId),
      plainColumn(outcomes, ({ work }) => work.owner),
      plainColumn(outcomes, ({ work }) => work.epoch),
      plainColumn(outcomes, ({ status }) => status),
      plainColumn(outcomes, ({ counts }) => Number(counts)),
      instantArray(outcomes.map(({ dueAtMs }) => dueAtMs)),
      textArray(outcomes.map(({ result }) => result)),
      textArray(outcomes.map(({ error }) => error?.replaceAll('\u0000', '') ?? null)),
      sorted[0],
      sorted.at(-1),
    ],
  });
  return new Set(result.rows.map((row) => row.id));
}

const RELEASE = `
WITH released AS (
  UPDATE waiting_inbound_actions w SET owner = NULL, due_at = now() WHERE CONDITION RETURNING w.run_id
)
UPDATE inbound_action_runs SET status = 'waiting', next_attempt_at = now() WHERE id = ANY(ARRAY(SELECT run_id FROM released))`;

/** Lets the runs of dead dispatchers wait for anyone; part of taking over. @returns how many. */
export async function releaseRunsOf(queryable: Pick<Pool, 'query'>, owners: string[]): Promise<number> {
  const result = await queryable.query(RELEASE.replace('CONDITION', 'w.owner = ANY($1::uuid[])'), [owners]);
  return result.rowCount ?? 0;
}

/** Lets runs wait for anyone whose owner has no row; none should ever have one, so this is a second wall. */
export async function releaseOwnerlessRuns(queryable: Pick<Pool, 'query'>): Promise<number> {
  const condition = 'w.owner IS NOT NULL AND NOT EXISTS (SELECT FROM dispatchers d WHERE d.id = w.owner)';
  const result = await queryable.query(RELEASE.replace('CONDITION', condition));
  return result.rowCount ?? 0;
}

/** Runs that the database shows as this dispatcher's. */
export async function findOwnedRuns(pool: Pool, dispatcherId: string): Promise<string[]> {
  const result = await pool.query<{ run_id: string }>('SELECT run_id FROM waiting_inbound_actions WHERE owner = $1', [
    dispatcherId,
  ]);
  return result.rows.map((row) => row.run_id);
}

/** Lets runs of this dispatcher that it does not hold wait for anyone. */
export async function releaseOrphanRuns(pool: Pool, dispatcherId: string, runIds: string[]): Promise<number> {
  const condition = 'w.owner = $1 AND w.run_id = ANY($2::uuid[])';
  const result = await pool.query(RELEASE.replace('CONDITION', condition), [dispatcherId, runIds]);
  return result.rowCount ?? 0;
}
