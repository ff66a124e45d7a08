import type { Pool } from 'pg';
import { inTransaction } from '#database/in-transaction';
import { deliveryUuidRange, firstUuidAt, uuidTimeMs } from '#kernel/ids';

/** Folds run one at a time over all dispatchers. */
const FOLD_LOCK = 7_206_154_886;

const FOLD = `
  WITH taken AS (
    DELETE FROM inbound_trigger_deltas WHERE id IN (SELECT id FROM inbound_trigger_deltas ORDER BY id LIMIT $1)
    RETURNING tenant_id, endpoint_id, triggered, logged, last_triggered_at
  ), summed AS (
    SELECT endpoint_id, tenant_id, sum(triggered) AS triggered, sum(logged) AS logged, max(last_triggered_at) AS last_triggered_at,
      count(*) AS deltas
    FROM taken GROUP BY endpoint_id, tenant_id
  ), totals AS (
    INSERT INTO inbound_totals AS t (endpoint_id, tenant_id, triggered, last_triggered_at)
    SELECT s.endpoint_id, s.tenant_id, s.triggered, s.last_triggered_at FROM summed s
    JOIN inbound_endpoints e ON e.id = s.endpoint_id WHERE s.triggered > 0
    ON CONFLICT (endpoint_id) DO UPDATE SET triggered = t.triggered + excluded.triggered,
      last_triggered_at = greatest(t.last_triggered_at, excluded.last_triggered_at)
  )
  SELECT s.endpoint_id, s.deltas::integer, e.max_log_entries FROM summed s LEFT JOIN inbound_endpoints e ON e.id = s.endpoint_id`;

/** An endpoint that received something, and how long its log may be. */
export interface ActiveEndpoint {
  id: string;
  maxLogEntries: number;
}

interface FoldedRow {
  endpoint_id: string;
  deltas: number;
  max_log_entries: number | null;
}

/**
 * Moves up to `limit` deltas into the totals, in one transaction.
 * @returns how many were moved, 0 also when another dispatcher is folding, and whose they were.
 */
export async function foldTriggers(
  pool: Pool,
  limit: number,
): Promise<{ folded: number; endpoints: ActiveEndpoint[] }> {
  const rows = await inTransaction(pool, async (client) => {
    const lock = await client.query<{ mine: boolean }>('SELECT pg_try_advisory_xact_lock($1) AS mine', [FOLD_LOCK]);
    if (lock.rows[0]?.mine !== true) return [];
    return (await client.query<FoldedRow>({ name: 'fold-triggers', text: FOLD, values: [limit] })).rows;
  });
  return {
    folded: rows.reduce((sum, { deltas }) => sum + deltas, 0),
    endpoints: rows.flatMap(({ endpoint_id: id, max_log_entries: max }) =>
      max === null ? [] : [{ id, maxLogEntries: max }],
    ),
  };
}

/**
 * Takes the oldest requests out of a log that is too long, with their bodies and runs; none of them, and none that came
 * later, has a run that waits.
 * @returns how many.
 */
export async function cutLog(pool: Pool, { id, maxLogEntries }: ActiveEndpoint, limit: number): Promise<number> {
  const waiting = await pool.query<{ run_id: string | null }>(
    'SELECT run_id FROM waiting_inbound_actions WHERE endpoint_id = $1 ORDER BY run_id LIMIT 1',
    [id],
  );
  const oldestRun = waiting.rows[0]?.run_id ?? null;
  const before = oldestRun === null ? LAST_UUID : firstUuidAt(uuidTimeMs(oldestRun));
  const { rows } = await pool.query<{ id: string }>(
    `SELECT id FROM inbound_requests WHERE endpoint_id = $1 AND id < $3 AND id <= (
       SELECT id FROM inbound_requests WHERE endpoint_id = $1 ORDER BY id DESC OFFSET $2 LIMIT 1)
     ORDER BY id LIMIT $4`,
    [id, maxLogEntries, before, limit],
  );
  if (rows.length === 0) return 0;
  const ids = rows.map((row) => row.id);
  const ranges = ids.map(deliveryUuidRange);
  await pool.query(
    `WITH runs AS (
       DELETE FROM inbound_action_runs r USING unnest($1::uuid[], $2::uuid[], $3::uuid[]) AS gone(id, first, last)
       WHERE r.id BETWEEN gone.first AND gone.last AND r.request_id = gone.id),
     bodies AS (DELETE FROM inbound_request_bodies WHERE request_id = ANY ($1::uuid[]))
     DELETE FROM inbound_requests WHERE id = ANY ($1::uuid[])`,
    [ids, ranges.map(({ first }) => first), ranges.map(({ last }) => last)],
  );
  return ids.length;
}

/** Forgets deliveries of senders that are remembered long enough. @returns how many. */
export async function forgetSeen(pool: Pool, limit: number): Promise<number> {
  const result = await pool.query(
    `DELETE FROM inbound_dedupe_keys WHERE (endpoint_id, key_hash) IN (
       SELECT endpoint_id, key_hash FROM inbound_dedupe_keys WHERE expires_at <= now() ORDER BY expires_at LIMIT $1 FOR UPDATE SKIP LOCKED)`,
    [limit],
  );
  return result.rowCount ?? 0;
}

const LAST_UUID = 'ffffffff-ffff-ffff-ffff-ffffffffffff';
