import type { Pool } from 'pg';
import { isMissingPartition } from './database-errors';

/**
 * Runs work that writes to partitioned tables; when nobody has made partitions for weeks, makes them and runs it again.
 * @param work leaves nothing behind when it fails.
 */
export async function withPartitions<T>(pool: Pool, work: () => Promise<T>): Promise<T> {
  try {
    return await work();
  } catch (error) {
    if (!isMissingPartition(error)) throw error;
    await pool.query(`SELECT ensure_partitions(now() - interval '1 day', now() + interval '28 days')`);
    return work();
  }
}
