import type { Pool } from 'pg';

/** What one statement came to. */
export interface StatementCost {
  text: string;
  calls: number;
  executionMs: number;
  planningMs: number;
}

export async function resetStatements(pool: Pool): Promise<void> {
  await pool.query('SELECT pg_stat_statements_reset()');
}

/** The statements of this database since the reset, the dearest first. */
export async function readStatements(pool: Pool): Promise<StatementCost[]> {
  const { rows } = await pool.query<StatementCost>(
    `SELECT query AS text, calls::float8 AS calls, total_exec_time AS "executionMs", total_plan_time AS "planningMs"
     FROM pg_stat_statements s JOIN pg_database d ON d.oid = s.dbid
     WHERE d.datname = current_database() AND query NOT LIKE '%pg_stat_statements%'
     ORDER BY total_exec_time + total_plan_time DESC LIMIT 20`,
  );
  return rows;
}
