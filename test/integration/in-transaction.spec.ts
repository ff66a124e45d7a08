import { Pool } from 'pg';
import { inTransaction } from '#database/in-transaction';
import { createTestDatabase, type TestDatabase } from '../support/postgres';

describe('a transaction', () => {
  let database: TestDatabase;
  let pool: Pool;

  beforeAll(async () => {
    database = await createTestDatabase();
    // As a caller makes one: nobody listens to its connections.
    pool = new Pool({ connectionString: database.url, max: 2 });
  });
  afterAll(async () => {
    await pool.end();
    await database.drop();
  });

  it('whose connection breaks in the middle fails for its caller, and the process lives on', async () => {
    const broken = inTransaction(pool, async (client) => {
      const { rows } = await client.query<{ pid: number }>('SELECT pg_backend_pid() AS pid');
      await pool.query('SELECT pg_terminate_backend($1, 5000)', [rows[0]?.pid]);
      await client.query('SELECT 1');
    });
    await expect(broken).rejects.toThrow(/terminat|not queryable/);
    await expect(inTransaction(pool, async (client) => (await client.query('SELECT 1')).rowCount)).resolves.toBe(1);
  });
});
