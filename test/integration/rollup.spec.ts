import { Pool } from 'pg';
import { newUuid } from '#kernel/ids';
import { findWorthFolding, foldDeltas, SLICES } from '../../apps/dispatcher/src/rollup/rollup.queries';
import { createTestDatabase, type TestDatabase } from '../support/postgres';

const TENANT = newUuid(Date.now());
/** Each with so many deltas, in slices of their own. */
const [RARE, SELDOM, BUSY] = ['01', '02', '03'].map((byte) => newUuid(Date.now()).slice(0, -2) + byte) as [
  string,
  string,
  string,
];
const DELTAS = new Map([
  [RARE, 1],
  [SELDOM, 3],
  [BUSY, 40],
]);

describe('what is worth folding', () => {
  let database: TestDatabase;
  let pool: Pool;

  beforeAll(async () => {
    database = await createTestDatabase();
    pool = new Pool({ connectionString: database.url, max: 1 });
    await pool.query(
      `INSERT INTO stats_deltas (tenant_id, webhook_id, event_type, hour, created)
       SELECT $1, webhook_id, 'build.completed', date_trunc('hour', now()), 1
       FROM unnest($2::uuid[], $3::integer[]) AS w(webhook_id, deltas), generate_series(1, deltas)`,
      [TENANT, [...DELTAS.keys()], [...DELTAS.values()]],
    );
  });
  afterAll(async () => {
    await pool.end();
    await database.drop();
  });

  const worth = async (orOfFew: number, orOfSlice: number): Promise<Map<string, number>> =>
    new Map(
      (await findWorthFolding(pool, { atLeast: 32, orOfFew, orOfSlice })).map(({ webhookId, deltas }) => [
        webhookId,
        deltas,
      ]),
    );

  it('is everything of few webhooks', async () => {
    expect(await worth(3, 0)).toEqual(DELTAS);
  });

  it('is, of many, what those have that have much', async () => {
    expect(await worth(2, 0)).toEqual(new Map([[BUSY, 40]]));
  });

  it('is what each of the others has when its turn comes', async () => {
    const turns = new Map<string, number>();
    for (let slice = 0; slice < SLICES; slice += 1)
      for (const [webhookId] of await worth(2, slice)) if (webhookId !== BUSY) turns.set(webhookId, slice);
    expect(turns).toEqual(
      new Map([
        [RARE, 1],
        [SELDOM, 2],
      ]),
    );
  });

  it('is folded for the webhooks that are named, and no more at a time than is said', async () => {
    expect(await foldDeltas(pool, [SELDOM, BUSY], 25)).toBe(25);
    expect(await foldDeltas(pool, [SELDOM, BUSY], 25)).toBe(18);
    expect(await foldDeltas(pool, [SELDOM, BUSY], 25)).toBe(0);
    const { rows } = await pool.query<{ webhook_id: string; created: number }>(
      'SELECT webhook_id, created::integer FROM webhook_totals ORDER BY created',
    );
    expect(rows).toEqual([
      { webhook_id: SELDOM, created: 3 },
      { webhook_id: BUSY, created: 40 },
    ]);
    expect(await worth(2, 0)).toEqual(new Map([[RARE, 1]]));
  });
});
