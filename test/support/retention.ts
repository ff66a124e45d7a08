import type { Pool } from 'pg';
import { createLogger } from '#observability/logger';
import {
  runRetention,
  type RetentionOptions,
  type RetentionReport,
} from '../../apps/dispatcher/src/retention/run-retention';

export const DAY_MS = 86_400_000;

/** Runs retention with the default times, in full, as of an instant; answers null when another process is at it. */
export function retain(
  databaseUrl: string,
  nowMs: number,
  more: Partial<RetentionOptions> = {},
): Promise<RetentionReport | null> {
  return runRetention({
    databaseUrl,
    policy: { payloadDays: 30, recordDays: 90, auditDays: 365, statsDays: 400 },
    nowMs,
    deletionGraceMs: 0,
    isThorough: true,
    signal: new AbortController().signal,
    logger: createLogger(process.env['TEST_LOG_LEVEL'] ?? 'silent', 'retention'),
    ...more,
  });
}

/** Makes the partitions of the past months, as if the service had run for so long. */
export async function makePastPartitions(pool: Pool, nowMs: number, days: number): Promise<void> {
  await pool.query('SELECT ensure_partitions($1, $2)', [new Date(nowMs - days * DAY_MS), new Date(nowMs)]);
}

/** The weeks that a table has partitions of, as the ends of their names. */
export async function weeksOf(pool: Pool, table: string): Promise<string[]> {
  const { rows } = await pool.query<{ week: string }>(
    `SELECT replace(c.relname, $1 || '_', '') AS week FROM pg_inherits JOIN pg_class c ON c.oid = inhrelid WHERE inhparent = $1::regclass ORDER BY 1`,
    [table],
  );
  return rows.map(({ week }) => week);
}

/** The name of the partition of an instant. */
export async function partitionAt(pool: Pool, table: string, atMs: number): Promise<string> {
  const { rows } = await pool.query<{ name: string }>(
    `SELECT $1 || '_' || to_char($2::timestamptz AT TIME ZONE 'UTC', 'IYYY"w"IW') AS name`,
    [table, new Date(atMs)],
  );
  return rows[0]?.name ?? '';
}
