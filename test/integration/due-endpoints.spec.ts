import { Pool } from 'pg';
import { newUuid } from '#kernel/ids';
import { DueEndpoints } from '../../apps/dispatcher/src/inbound-actions/due-endpoints';
import { createTestDatabase, type TestDatabase } from '../support/postgres';

const TENANT = newUuid(Date.now());
const [DUE, NOT_YET] = [1_050, 5];

describe('endpoints that may have runs that are due', () => {
  let database: TestDatabase;
  let pool: Pool;
  let ids: string[];

  beforeAll(async () => {
    database = await createTestDatabase();
    pool = new Pool({ connectionString: database.url, max: 1 });
    const { rows } = await pool.query<{ endpoint_id: string }>(
      `INSERT INTO waiting_inbound_actions (run_id, tenant_id, endpoint_id, due_at)
       SELECT gen_random_uuid(), $1, gen_random_uuid(), now() + CASE WHEN n > $2 THEN interval '1 hour' ELSE interval '-1 hour' END
       FROM generate_series(1, $2 + $3::integer) n ORDER BY n RETURNING endpoint_id`,
      [TENANT, DUE, NOT_YET],
    );
    ids = rows.map((row) => row.endpoint_id);
  });
  afterAll(async () => {
    await pool.end();
    await database.drop();
  });

  const take = async (due: DueEndpoints): Promise<string[]> => (await due.take()).map(({ endpointId }) => endpointId);

  it('are those that were named, without a look at the database', async () => {
    const due = new DueEndpoints({} as Pool);
    expect(due.any).toBe(false);
    due.add([{ tenantId: TENANT, endpointId: 'a' }]);
    due.add([
      { tenantId: TENANT, endpointId: 'a' },
      { tenantId: TENANT, endpointId: 'b' },
    ]);
    expect(due.any).toBe(true);
    expect(await take(due)).toEqual(['a', 'b']);
    expect(due.any).toBe(false);
  });

  it('are, where a look is asked for, all of which something is due, a thousand at a time', async () => {
    const due = new DueEndpoints(pool);
    due.wantLook();
    const first = await take(due);
    expect(first).toHaveLength(1_000);
    expect(due.wantsLook).toBe(true);
    const more = await take(due);
    expect(due.wantsLook).toBe(false);
    expect([...first, ...more].sort()).toEqual(ids.slice(0, DUE).sort());
  });

  it('are not remembered beyond a number: a look finds the others again', async () => {
    const due = new DueEndpoints(pool);
    due.add(Array.from({ length: 1_500 }, (_, number) => ({ tenantId: TENANT, endpointId: String(number) })));
    const known = await take(due);
    expect([known.length, known[0]]).toEqual([1_000, '500']);
    due.wantLook();
    expect(await take(due)).toHaveLength(1_000);
  });

  it('are known on when the look fails', async () => {
    const due = new DueEndpoints({ query: () => Promise.reject(new Error('away')) } as unknown as Pool);
    due.add([{ tenantId: TENANT, endpointId: 'a' }]);
    due.wantLook();
    await expect(due.take()).rejects.toThrow('away');
    expect(await take(due)).toEqual(['a']);
  });
});
