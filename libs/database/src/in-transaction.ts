import type { Pool, PoolClient } from 'pg';

/**
 * Runs statements on one connection in one transaction: committed when `run` resolves, undone when it rejects.
 * A connection that cannot even roll back does not go back into the pool.
 * @throws what `run` or the database throws.
 */
export async function inTransaction<T>(pool: Pool, run: (client: PoolClient) => Promise<T>): Promise<T> {
  const client = await pool.connect();
  let broken: Error | undefined;
  try {
    await client.query('BEGIN');
    const result = await run(client);
    await client.query('COMMIT');
    return result;
  } catch (error) {
    await client.query('ROLLBACK').catch((cause: unknown) => {
      broken = cause instanceof Error ? cause : new Error(String(cause));
    });
    throw error;
  } finally {
    client.release(broken);
  }
}
