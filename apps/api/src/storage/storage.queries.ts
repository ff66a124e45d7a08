import type { Pool } from 'pg';

/** Counting stops here, so that the result comes at once however much waits. */
const COUNT_LIMIT = 100_000;

export interface BacklogCounts {
  fan_outs: number;
  deliveries: number;
  redelivery_jobs: number;
  tenants_to_delete: number;
}

/** What waits, counted up to a limit. */
export async function countBacklog(pool: Pool): Promise<BacklogCounts> {
  const { rows } = await pool.query<BacklogCounts>(`
    SELECT (SELECT count(*)::integer FROM (SELECT FROM event_batches LIMIT ${COUNT_LIMIT}) f) AS fan_outs,
      (SELECT count(*)::integer FROM (SELECT FROM waiting_deliveries LIMIT ${COUNT_LIMIT}) w) AS deliveries,
      (SELECT count(*)::integer FROM redelivery_jobs WHERE status IN ('pending', 'running')) AS redelivery_jobs,
      (SELECT count(*)::integer FROM tenants WHERE deleted_at IS NOT NULL) AS tenants_to_delete`);
  return rows[0] as BacklogCounts;
}

/** The ids between which the rows of a partitioned table lie, found at the ends of its index. */
export async function findEnds(
  pool: Pool,
  table: string,
  column: string,
): Promise<{ oldest: string | null; newest: string | null }> {
  const end = (direction: 'ASC' | 'DESC'): string =>
    `(SELECT ${column} FROM ${table} ORDER BY ${column} ${direction} LIMIT 1)`;
  const { rows } = await pool.query<{ oldest: string | null; newest: string | null }>(
    `SELECT ${end('ASC')} AS oldest, ${end('DESC')} AS newest`,
  );
  return rows[0] ?? { oldest: null, newest: null };
}
