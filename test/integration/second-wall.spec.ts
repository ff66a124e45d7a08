import { Client, Pool } from 'pg';
import { roleConfig } from '#database/pools';
import { deliveryUuid, formatId } from '#kernel/ids';
import { startApi, type TestApi } from '../support/api';
import { OPERATIONS, pathOf } from '../support/api-description';
import { makeTenant, makeToken, type TestTenant } from '../support/factories';
import { uuidOf } from '../support/history';
import { createTestDatabase, type TestDatabase } from '../support/postgres';

const PREDICATE = /(?:"?\w+"?\.)?"?tenant_id"? = (\$\d+)/g;

/** Row-level security, once the application's own checks fail: as production sets its roles and pools up. */
describe('the second wall between tenants', () => {
  let database: TestDatabase;
  let pool: Pool;

  beforeAll(async () => {
    database = await createTestDatabase();
    pool = new Pool({ connectionString: database.url, max: 2 });
  });

  afterAll(async () => {
    await pool.end();
    await database.drop();
  });

  const names = async (statement: string): Promise<string[]> =>
    (await pool.query<{ name: string }>(statement)).rows.map(({ name }) => name);

  describe('in the catalog', () => {
    const OWN = `c.relnamespace = 'public'::regnamespace AND c.relkind IN ('r', 'p') AND NOT c.relispartition`;
    const HAS_TENANT = `EXISTS (SELECT FROM pg_attribute a WHERE a.attrelid = c.oid AND a.attname = 'tenant_id')`;

    it('stands around every table that names a tenant', async () => {
      expect(
        (await names(`SELECT relname AS name FROM pg_class c WHERE ${OWN} AND ${HAS_TENANT}`)).length,
      ).toBeGreaterThan(15);
      const open = `SELECT relname AS name FROM pg_class c WHERE ${OWN} AND (${HAS_TENANT} OR relname = 'tenants')
        AND (NOT relrowsecurity OR NOT EXISTS (SELECT FROM pg_policies p WHERE p.tablename = c.relname
          AND p.roles = '{webhooks_request}' AND p.cmd = 'ALL' AND p.qual ~ '^\\(\\w+ = current_tenant\\(\\)\\)$' AND p.with_check = p.qual))`;
      expect(await names(open)).toEqual([]);
      const lax = `SELECT tablename || '.' || policyname AS name FROM pg_policies
        WHERE 'webhooks_request' = ANY (roles) AND qual !~ 'current_tenant' OR 'public' = ANY (roles)`;
      expect(await names(lax)).toEqual([]);
    });

    it('leaves requests no table that names none, no partition, and nothing to own', async () => {
      const reachable = `SELECT relname AS name FROM pg_class c WHERE c.relnamespace = 'public'::regnamespace
        AND c.relkind IN ('r', 'p', 'v', 'm') AND (has_table_privilege('webhooks_request', c.oid, 'SELECT')
          OR has_any_column_privilege('webhooks_request', c.oid, 'SELECT, INSERT, UPDATE'))`;
      expect(await names(`${reachable} AND NOT (${HAS_TENANT}) AND relname <> 'tenants'`)).toEqual([]);
      expect(await names(`${reachable} AND c.relispartition`)).toEqual([]);
      const ownedBy = (role: string): string =>
        `SELECT DISTINCT regexp_replace(relname, '_\\d{4}w\\d{2}$', '') AS name FROM pg_class
         WHERE relkind NOT IN ('i', 'I', 't') AND pg_get_userbyid(relowner) LIKE '${role}' ORDER BY 1`;
      const partitioned = `SELECT relname AS name FROM pg_class c WHERE ${OWN} AND relkind = 'p' ORDER BY 1`;
      // Retention drops partitions, which only their owner may; neither of the roles that serve requests owns anything.
      expect(await names(ownedBy('webhooks\\_%'))).toEqual(await names(partitioned));
      expect(await names(ownedBy('webhooks\\_request'))).toEqual([]);
      expect(await names(ownedBy('webhooks\\_batch'))).toEqual([]);
    });

    it('cannot be passed by the roles', async () => {
      const { rows } = await pool.query(
        `SELECT rolname, rolsuper, rolbypassrls, rolcreaterole, rolcreatedb, rolcanlogin FROM pg_roles
         WHERE rolname IN ('webhooks_request', 'webhooks_service', 'webhooks_retention') ORDER BY 1`,
      );
      const none = {
        rolsuper: false,
        rolbypassrls: false,
        rolcreaterole: false,
        rolcreatedb: false,
        rolcanlogin: false,
      };
      expect(rows).toEqual([
        { rolname: 'webhooks_request', ...none },
        { rolname: 'webhooks_retention', ...none },
        { rolname: 'webhooks_service', ...none },
      ]);
      const memberships = `SELECT pg_get_userbyid(member) || ' of ' || pg_get_userbyid(roleid) AS name FROM pg_auth_members
        WHERE pg_get_userbyid(member) LIKE 'webhooks\\_%'`;
      expect(await names(memberships)).toEqual(['webhooks_retention of webhooks_service']);
    });
  });

  describe('when the predicate is forgotten', () => {
    let api: TestApi;
    let owner: TestTenant;
    let stranger: TestTenant;
    let ids: Record<string, string>;

    beforeAll(async () => {
      api = await startApi({ databaseUrl: database.url });
      [owner, stranger] = await Promise.all([makeTenant(api, 'Owner'), makeTenant(api, 'Stranger')]);
      const made = async (path: string, body: object, field: string): Promise<string> =>
        ((await api.as(owner.token).post(path).send(body)).body as Record<string, string>)[field] ?? '';
      const webhook = await made(
        '/api/webhooks',
        { url: 'https://a.example/', events: ['*'], name: 'W' },
        'webhook_id',
      );
      const event = await made('/api/events', { event: 'build.completed', data: { canary: 1 } }, 'event_id');
      await api.as(owner.token).put('/api/chat/slack').send({ signing_secret: 'a-signing-secret-of-slack' });
      const tenantId = uuidOf('tenant', owner.tenantId);
      const [webhookUuid, eventUuid] = [uuidOf('webhook', webhook), uuidOf('event', event)];
      const delivery = deliveryUuid(eventUuid, webhookUuid);
      await pool.query(
        `INSERT INTO deliveries (id, tenant_id, webhook_id, event_id, event_type, status, state)
         VALUES ($1, $2, $3, $4, 'build.completed', 'failed', 'exhausted')`,
        [delivery, tenantId, webhookUuid, eventUuid],
      );
      ids = {
        webhook_id: webhook,
        event_id: event,
        delivery_id: formatId('del', delivery),
        job_id: await made(`/api/webhooks/${webhook}/deliveries/redeliver`, { filter: {} }, 'job_id'),
        name: await made('/api/event-types', { name: 'invoice.paid' }, 'name'),
        token_id: (await makeToken(api, owner, ['events:read'])).tokenId,
        user_id: await made('/api/users', { name: 'Ada' }, 'user_id'),
        tenant_id: owner.tenantId,
      };
      expect(Object.entries(ids).filter(([, id]) => id === '')).toEqual([]);
    });

    afterAll(async () => {
      await api.stop();
    });

    const reads = OPERATIONS.filter(
      ({ method, isOperators, path }) => method === 'get' && !isOperators && path.startsWith('/api/'),
    );

    /** Takes `tenant_id = $n` out of every statement that goes through the pool of requests. */
    async function withoutPredicates<T>(work: () => Promise<T>): Promise<{ result: T; stripped: number }> {
      let stripped = 0;

      const original = Client.prototype.query as unknown as (this: Client, ...args: unknown[]) => unknown;
      const strip = (text: string): string =>
        text.replace(PREDICATE, (_match, parameter: string) => {
          stripped += 1;
          return `(${parameter}::uuid IS NOT NULL)`;
        });
      const spy = jest.spyOn(Client.prototype, 'query').mockImplementation(function (this: Client, ...args: unknown[]) {
        const { options } = (this as unknown as { connectionParameters: { options?: string } }).connectionParameters;
        if (options?.includes('role=webhooks_request') === true) {
          const [query] = args as [string | { name: string; text: string }];
          // A name stands for one text, on each connection.
          if (typeof query === 'string') args[0] = strip(query);
          else args[0] = { ...query, name: `${query.name}-stripped`, text: strip(query.text) };
        }
        return original.apply(this, args);
      });
      try {
        return { result: await work(), stripped };
      } finally {
        spy.mockRestore();
      }
    }

    const leaks = (text: string): string[] => Object.values(ids).filter((id) => text.includes(`"${id}"`));

    it.each(reads.map((read) => [read.name, read] as const))(
      '%s still shows a stranger nothing',
      async (_name, read) => {
        if (read.pathParameters.some((name) => !(name in ids))) return;
        const path = pathOf(read, ids);
        const { result, stripped } = await withoutPredicates(() => api.as(stranger.token).get(path));
        expect(leaks(result.text)).toEqual([]);
        if (read.pathParameters.length > 0 && read.pathParameters[0] !== 'tenant_id') {
          expect(result.status).toBe(404);
          expect(stripped).toBeGreaterThan(0);
        }
        const own = await withoutPredicates(() => api.as(owner.token).get(path));
        expect(own.result.status).toBe(200);
      },
    );

    it('covers the reads of the API', () => {
      expect(reads.filter(({ pathParameters }) => pathParameters.every((name) => name in ids)).length).toBeGreaterThan(
        14,
      );
    });

    it('would show it without the wall', async () => {
      await pool.query('ALTER TABLE webhooks DISABLE ROW LEVEL SECURITY');
      try {
        const read = () => api.as(stranger.token).get('/api/webhooks');
        expect(leaks((await read()).text)).toEqual([]);
        const { result } = await withoutPredicates(read);
        expect(leaks(result.text)).toEqual([ids['webhook_id']]);
      } finally {
        await pool.query('ALTER TABLE webhooks ENABLE ROW LEVEL SECURITY');
      }
    });

    it('shows nothing while no tenant is set, and lets nobody write for another', async () => {
      const requests = new Pool({ ...roleConfig(database.url, 'webhooks_request', 'test'), max: 1 });
      try {
        expect((await requests.query('SELECT FROM webhooks')).rowCount).toBe(0);
        await requests.query(`SELECT set_config('app.tenant_id', $1, false)`, [uuidOf('tenant', stranger.tenantId)]);
        expect((await requests.query(`UPDATE webhooks SET name = 'taken'`)).rowCount).toBe(0);
        const forged = `INSERT INTO users (id, tenant_id, name) VALUES (gen_random_uuid(), $1, 'forged')`;
        await expect(requests.query(forged, [uuidOf('tenant', owner.tenantId)])).rejects.toMatchObject({
          code: '42501',
        });
      } finally {
        await requests.end();
      }
    });
  });
});
