import type { Pool, PoolClient } from 'pg';

const ignore = (): void => undefined;

/**
 * Runs statements on one connection in one transaction: committed when `run` resolves, undone when it rejects.
 * A connection that cannot even roll back does not go back into the pool.
 * @throws what `run` or the database throws.
 */
export async function inTransaction<T>(pool: Pool, run: (client: PoolClient) => Promise<T>): Promise<T> {
  const client = await pool.connect();
  let broken: Error | undefined;
  // A pool listens to idle connections only, and an error nobody listens to ends the process; the statement tells it.
  client.on('error', ignore);
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
    client.off('error', ignore);
    client.release(broken);
  }
}
