import { Pool } from 'pg';
import {
  booleanArray,
  byteaArray,
  instantArray,
  integerArray,
  smallintArray,
  textArray,
  uuidArray,
} from '#database/binary-arrays';
import { newUuid } from '#kernel/ids';
import { createTestDatabase, type TestDatabase } from '../support/postgres';

describe('binary array parameters', () => {
  let database: TestDatabase;
  let pool: Pool;

  beforeAll(async () => {
    database = await createTestDatabase();
    pool = new Pool({ connectionString: database.url, max: 1 });
  });
  afterAll(async () => {
    await pool.end();
    await database.drop();
  });

  const stored = async (type: string, value: Buffer, read = 'v'): Promise<unknown[]> => {
    const text = `SELECT ${read} AS v FROM unnest($1::${type}[]) WITH ORDINALITY AS t(v, place) ORDER BY place`;
    return (await pool.query<{ v: unknown }>(text, [value])).rows.map((row) => row.v);
  };

  it('hold what they were made of', async () => {
    const ids = [newUuid(0), newUuid(Date.now()), 'ffffffff-ffff-4fff-bfff-0123456789ab'];
    expect(await stored('uuid', uuidArray(ids))).toEqual(ids);
    expect(await stored('uuid', uuidArray(['ABCDEF01-2345-6789-ABCD-EF0123456789']))).toEqual([
      'abcdef01-2345-6789-abcd-ef0123456789',
    ]);
    const texts = ['', 'build.finished', 'a "quoted", {text} \\ with NULL', 'naïve 名前 🚀', 'NULL'];
    expect(await stored('text', textArray(texts))).toEqual(texts);
    expect(await stored('integer', integerArray([0, -1, 2 ** 31 - 1, -(2 ** 31)]))).toEqual([
      ...[0, -1, 2 ** 31 - 1, -(2 ** 31)],
    ]);
    expect(await stored('smallint', smallintArray([0, -1, 32_767]))).toEqual([0, -1, 32_767]);
    expect(await stored('boolean', booleanArray([true, false]))).toEqual([true, false]);
    const bytes = [Buffer.alloc(0), Buffer.from([0, 255, 1])];
    expect(await stored('bytea', byteaArray(bytes))).toEqual(bytes);
  });

  it('hold instants to the millisecond, near and far', async () => {
    const instants = ['2026-11-24T05:00:00.123Z', '1970-01-01T00:00:00.000Z', '1969-12-31T23:59:59.999Z'];
    instants.push('0001-01-01T00:00:00.000Z', '9999-12-31T23:59:59.999Z');
    const array = instantArray(instants.map((instant) => Date.parse(instant)));
    const read = `to_char(v AT TIME ZONE 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS.MS"Z"')`;
    expect(await stored('timestamptz', array, read)).toEqual(instants);
  });

  it('hold values that repeat, with nulls between them', async () => {
    const texts = ['ab', 'ab', 'ab', null, 'ab', 'c', 'ab', 'ab', null, null, 'ä', 'ä'];
    expect(await stored('text', textArray(texts))).toEqual(texts);
    const id = newUuid(Date.now());
    expect(await stored('uuid', uuidArray([id, id, null, id, id]))).toEqual([id, id, null, id, id]);
  });

  it('of nothing but nulls leave their column null', async () => {
    const text = 'SELECT id, name, at FROM unnest($1::integer[], $2::text[], $3::timestamptz[]) AS t(id, name, at)';
    const values = [integerArray([1, 2]), textArray([null, null]), instantArray([null, null])];
    expect((await pool.query(text, values)).rows).toEqual([
      { id: 1, name: null, at: null },
      { id: 2, name: null, at: null },
    ]);
  });
});
