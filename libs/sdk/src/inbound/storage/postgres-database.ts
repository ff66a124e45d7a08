import type { Pool, PoolClient } from 'pg';
import { inTransaction } from '#database/in-transaction';
import type { Query, SqlDatabase } from './sql-database';

const POOL_SIZE = 5;
const INT8 = 20;

/** Connects to PostgreSQL; several processes may share it. A pool without work does not keep the process alive. */
export async function openPostgres(databaseUrl: string): Promise<SqlDatabase> {
  const pg = await import('pg');
  // Instants in ms and counts: all of them fit a JavaScript number.
  const types = {
    getTypeParser: ((oid: number, format?: 'text') =>
      oid === INT8 ? Number : (pg.types.getTypeParser(oid, format) as unknown)) as typeof pg.types.getTypeParser,
  };
  const pool = new pg.Pool({ connectionString: databaseUrl, max: POOL_SIZE, allowExitOnIdle: true, types });
  // An idle connection that breaks is replaced; without a listener it would end the process.
  pool.on('error', () => undefined);
  return {
    query: queryOn(pool),
    transaction: (work) => inTransaction(pool, (client) => work(queryOn(client))),
    skipLocked: 'FOR UPDATE SKIP LOCKED',
    close: () => pool.end(),
  };
}

function queryOn(connection: Pool | PoolClient): Query {
  return async <Row extends object>(sql: string, values: readonly unknown[] = []) => {
    const { rows } = await connection.query<Row>(sql, [...values]);
    return rows;
  };
}
