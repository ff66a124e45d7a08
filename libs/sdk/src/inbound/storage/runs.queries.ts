import type { Query } from './sql-database';

/** One action on one accepted request. */
export interface RunRow {
  id: string;
  endpoint_id: string;
  request_id: string;
  action_id: string;
  position: number;
  type: string;
  /** 1: the action has functions, which only a process that registered them can run. */
  is_function: number;
  status: string;
  attempts: number;
  due_at: number;
  owner: string | null;
  leased_until: number | null;
  /** JSON. */
  result: string | null;
  error: string | null;
  finished_at: number | null;
}

export type NewRun = Pick<
  RunRow,
  'id' | 'endpoint_id' | 'request_id' | 'action_id' | 'position' | 'type' | 'is_function'
>;

export async function insertRun(query: Query, run: NewRun, dueAtMs: number): Promise<void> {
  await query(
    `INSERT INTO webhook_manager_runs
       (id, endpoint_id, request_id, action_id, position, type, is_function, status, attempts, due_at)
     VALUES ($1, $2, $3, $4, $5, $6, $7, 'waiting', 0, $8)`,
    [run.id, run.endpoint_id, run.request_id, run.action_id, run.position, run.type, run.is_function, dueAtMs],
  );
}

/**
 * Takes due runs for a process until its lease ends: those that wait, and those whose process has let its lease run out,
 * since it was killed.
 */
export function claimRuns(
  query: Query,
  skipLocked: string,
  { owner, nowMs, untilMs, limit }: { owner: string; nowMs: number; untilMs: number; limit: number },
): Promise<RunRow[]> {
  return query<RunRow>(
    `UPDATE webhook_manager_runs SET status = 'running', owner = $1, leased_until = $2
     WHERE id IN (
       SELECT id FROM webhook_manager_runs
       WHERE status IN ('waiting', 'running') AND due_at <= $3 AND (status = 'waiting' OR leased_until <= $3)
       ORDER BY due_at, id LIMIT $4 ${skipLocked})
     RETURNING *`,
    [owner, untilMs, nowMs, limit],
  );
}

export async function renewRuns(query: Query, owner: string, untilMs: number): Promise<void> {
  await query(`UPDATE webhook_manager_runs SET leased_until = $2 WHERE owner = $1 AND status = 'running'`, [
    owner,
    untilMs,
  ]);
}

/** How a run goes on, or ended. */
export interface RunOutcome {
  status: 'waiting' | 'succeeded' | 'failed' | 'skipped';
  attempts: number;
  dueAtMs: number;
  result: string | null;
  error: string | null;
}

/** Written only while the lease is the owner's. The body goes with the last action where it is not to be kept. */
export async function recordRun(
  query: Query,
  run: Pick<RunRow, 'id' | 'owner' | 'request_id'>,
  outcome: RunOutcome,
  nowMs: number,
): Promise<void> {
  const finishedAtMs = outcome.status === 'waiting' ? null : nowMs;
  const written = await query(
    `UPDATE webhook_manager_runs
     SET status = $3, attempts = $4, due_at = $5, result = $6, error = $7, finished_at = $8, owner = NULL,
       leased_until = NULL
     WHERE id = $1 AND owner = $2 AND status = 'running' RETURNING id`,
    [
      ...[run.id, run.owner, outcome.status, outcome.attempts, outcome.dueAtMs, outcome.result, outcome.error],
      finishedAtMs,
    ],
  );
  if (written.length === 0 || finishedAtMs === null) return;
  await query(
    `UPDATE webhook_manager_requests SET body = NULL WHERE id = $1 AND keeps_body = 0 AND NOT EXISTS (
       SELECT 1 FROM webhook_manager_runs r WHERE r.request_id = $1 AND r.status IN ('waiting', 'running'))`,
    [run.request_id],
  );
}

export function listRuns(query: Query, requestId: string): Promise<RunRow[]> {
  return query<RunRow>(`SELECT * FROM webhook_manager_runs WHERE request_id = $1 ORDER BY position, id`, [requestId]);
}
