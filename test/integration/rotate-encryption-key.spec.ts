import { join } from 'node:path';
import { SEALED_COLUMNS } from '#database/sealed-columns';
import { createSecretBox } from '#database/secret-box';
import { startApi, type TestApi } from '../support/api';
import { startProcess } from '../support/apps-as-processes';
import { makeTenant, type TestTenant } from '../support/factories';
import { createTestDatabase, type TestDatabase } from '../support/postgres';
import { queryRows } from '../support/query-rows';

const [OLD, NEW, LOST] = [1, 2, 3].map((fill) => Buffer.alloc(32, fill).toString('base64')) as [string, string, string];
const keyId = (key: string): string => createSecretBox([Buffer.from(key, 'base64')]).keyId;

describe('rotate-encryption-key', () => {
  let database: TestDatabase;
  let tenant: TestTenant;

  beforeEach(async () => {
    database = await createTestDatabase();
  });
  afterEach(() => database.drop());

  const withApi = async <T>(keys: string[], work: (api: TestApi) => Promise<T>): Promise<T> => {
    const api = await startApi({ databaseUrl: database.url, env: { ENCRYPTION_KEY: keys.join() } });
    try {
      return await work(api);
    } finally {
      await api.stop();
    }
  };
  const run = async (keys: string[]): Promise<{ status: number | string; output: string }> => {
    const env = { DATABASE_URL: database.url, ENCRYPTION_KEY: keys.join() };
    const command = startProcess(
      process.execPath,
      [join('dist', 'apps', 'cli', 'main.js'), 'rotate-encryption-key'],
      env,
    );
    return { status: await command.ended, output: command.output() };
  };
  const keyIds = async (): Promise<string[]> => {
    const all = SEALED_COLUMNS.map(
      ({ table, column }) =>
        `SELECT encode(substring(${column} FROM 2 FOR 4), 'hex') AS key FROM ${table} WHERE ${column} IS NOT NULL`,
    ).join(' UNION ALL ');
    return (await queryRows<{ key: string }>(database.url, all)).map((row) => row.key);
  };
  /** A webhook with all that is sealed; answers its id. */
  const makeWebhook = async (api: TestApi): Promise<string> => {
    tenant = await makeTenant(api);
    const body = { url: 'https://receiver.example/', events: ['*'], name: 'Sealed', secret: 'first-secret' };
    const more = { headers: { Authorization: 'Basic c2VjcmV0' }, signature_types: ['v1', 'v1a'] };
    const made = await api
      .as(tenant.token)
      .post('/api/webhooks')
      .send({ ...body, ...more })
      .expect(201);
    const { webhook_id: id } = made.body as { webhook_id: string };
    await api.as(tenant.token).post(`/api/webhooks/${id}/secret/rotate`).send({ secret: 'second-secret' }).expect(200);
    return id;
  };

  it('knows every sealed column of the schema', async () => {
    const columns = await queryRows<{ name: string }>(
      database.url,
      `SELECT table_name || '.' || column_name AS name FROM information_schema.columns
       WHERE table_schema = 'public' AND column_name LIKE 'sealed%' ORDER BY 1`,
    );
    expect(SEALED_COLUMNS.map(({ table, column }) => `${table}.${column}`).sort()).toEqual(
      columns.map((row) => row.name),
    );
  });

  it('seals everything anew, so that the old key can go', async () => {
    const id = await withApi([OLD], makeWebhook);
    expect(await keyIds()).toEqual(Array.from({ length: 4 }, () => keyId(OLD)));
    const first = await run([NEW, OLD]);
    expect(first.output).toContain(`All stored secrets are sealed with key ${keyId(NEW)}`);
    expect(first.status).toBe(0);
    expect(await keyIds()).toEqual(Array.from({ length: 4 }, () => keyId(NEW)));
    await withApi([NEW], async (api) => {
      const shown = await api.as(tenant.token).get(`/api/webhooks/${id}`).expect(200);
      expect(shown.body).toMatchObject({ secret: 'second-secret', headers: { Authorization: 'Basic c2VjcmV0' } });
    });
    const again = await run([NEW]);
    expect(again.output).not.toContain('Sealed anew');
    expect(again.status).toBe(0);
  });

  it('says what does not open, and leaves it as it is', async () => {
    await withApi([LOST], makeWebhook);
    await withApi([OLD], makeWebhook);
    const { status, output } = await run([NEW, OLD]);
    expect(status).toBe(1);
    expect(output).toContain(`4 did not open: sealed with key ${keyId(LOST)}`);
    expect(output).not.toMatch(/secret-|first-secret|c2VjcmV0/);
    const counted = await keyIds();
    expect([LOST, NEW].map((key) => counted.filter((one) => one === keyId(key)).length)).toEqual([4, 4]);
  });

  it('is refused without the environment it needs', async () => {
    const { status, output } = await run([]);
    expect(status).toBe(1);
    expect(output).toContain('ENCRYPTION_KEY');
  });
});
