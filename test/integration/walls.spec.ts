import { Pool } from 'pg';
import { coversScope, SCOPES } from '../../apps/api/src/caller/scopes';
import { deliveryUuid, formatId } from '#kernel/ids';
import { ADMIN_TOKEN, startApi, type TestApi } from '../support/api';
import { OPERATIONS, pathOf, type DescribedOperation } from '../support/api-description';
import { makeTenant, makeToken, type TestTenant } from '../support/factories';
import { uuidOf, writeDelivery } from '../support/history';
import { createTestDatabase, type TestDatabase } from '../support/postgres';

const PROJECT = 'proj_123';
const OTHER_PROJECT = 'proj_456';

type Ids = Record<string, string>;

interface Answer {
  status: number;
  body: unknown;
  headers: Record<string, string>;
}

/**
 * Every operation of openapi.yaml, so that a new route is tested without anyone remembering it. A new path parameter
 * needs a line in `factories`.
 */
const SLACK_LINK = '/api/chat/slack';

describe('walls', () => {
  let database: TestDatabase;
  let pool: Pool;
  let api: TestApi;
  let owner: TestTenant;
  let stranger: TestTenant;
  let counter = 0;

  beforeAll(async () => {
    database = await createTestDatabase();
    pool = new Pool({ connectionString: database.url, max: 2 });
    api = await startApi({ databaseUrl: database.url, env: { DELIVERY_ALLOWED_CIDRS: '127.0.0.0/8' } });
    owner = await makeTenant(api, 'Owner');
    stranger = await makeTenant(api, 'Stranger');
  });

  afterAll(async () => {
    await api.stop();
    await pool.end();
    await database.drop();
  });

  /** Makes something of the owner's, in PROJECT where it belongs to one; in the order of the path. */
  const factories: Record<string, (ids: Ids) => Promise<string>> = {
    webhook_id: async () => {
      // Nobody listens there: a test delivery fails, and answers so.
      const body = { url: 'http://127.0.0.1:9/', events: ['*'], name: 'Walled', project_id: PROJECT };
      return made('/api/webhooks', body, 'webhook_id');
    },
    delivery_id: async ({ webhook_id = '' }) => {
      const past = { tenantId: owner.tenantId, webhookId: webhook_id, atMs: Date.now() };
      const { id } = await writeDelivery(pool, past);
      // Given up and holding up a line, so that there is something to skip.
      await pool.query(
        `INSERT INTO ordered_deliveries (webhook_id, event_id, tenant_id, key_hash, position, delivery_id, priority, given_up)
         SELECT webhook_id, event_id, tenant_id, uuid_send(id), 1, id, 1, true FROM deliveries WHERE id = $1`,
        [id],
      );
      return formatId('del', id);
    },
    job_id: async ({ webhook_id = '' }) =>
      made(`/api/webhooks/${webhook_id}/deliveries/redeliver`, { filter: {} }, 'job_id'),
    event_id: async () => {
      const body = { event: 'build.completed', data: {}, project_id: PROJECT, deliver_at: inAnHour() };
      return made('/api/events', body, 'event_id');
    },
    name: async () => made('/api/event-types', { name: `invoice.paid${(counter += 1)}` }, 'name'),
    endpoint: async () => made('/api/inbound', { name: `walled-${(counter += 1)}`, project_id: PROJECT }, 'name'),
    action_id: async ({ endpoint = '' }) =>
      made(`/api/inbound/${endpoint}/actions`, { type: 'log', settings: { table: 'walled' } }, 'action_id'),
    request_id: async ({ endpoint = '' }) => made(`/api/inbound/${endpoint}/test`, {}, 'request_id'),
    table: () => Promise.resolve('walled'),
    channel: async () => {
      const settings = { url: 'http://127.0.0.1:9/' };
      return made('/api/inbound/channels', { name: `walled-${(counter += 1)}`, kind: 'http', settings }, 'name');
    },
    token_id: async () => (await makeToken(api, owner, ['events:read'])).tokenId,
    user_id: async () => made('/api/users', { name: 'Walled' }, 'user_id'),
    tenant_id: async () => (await makeTenant(api, 'Walled')).tenantId,
  };
  /** Those that belong to the tenant as a whole: a token of a project is told that it may not change them. */
  const OF_THE_TENANT = new Set(['name', 'channel', 'token_id', 'user_id']);

  const made = async (path: string, body: object, field: string): Promise<string> => {
    const response = await api.as(owner.token).post(path).send(body);
    if (response.status > 202) throw new Error(`${path} answered ${response.status}: ${response.text}`);
    return (response.body as Ids)[field] ?? '';
  };
  /** The one thing of which a tenant has at most one, and no id tells which. */
  const linkSlack = async (): Promise<void> => {
    await api.as(owner.token).put(SLACK_LINK).send({ signing_secret: 'a-signing-secret-of-slack' }).expect(200);
  };
  const inAnHour = (): string => new Date(Date.now() + 3_600_000).toISOString();

  const makeIds = async ({ pathParameters }: DescribedOperation): Promise<Ids> => {
    const ids: Ids = {};
    for (const name of pathParameters) {
      const factory = factories[name];
      if (factory === undefined) throw new Error(`test/integration/walls.spec.ts has no factory for {${name}}`);
      ids[name] = await factory(ids);
    }
    return ids;
  };

  /** Where the example would be refused: a schema that does not go with the type's example, a scope the caller lacks. */
  const bodies: Record<string, object> = {
    updateEventType: { description: 'Walled' },
    importHooks: { content: '[{ "id": "walled", "execute-command": "/bin/true" }]', commands: 'skip' },
    createInboundChannel: { name: 'walled', kind: 'email', settings: { to: 'somebody@example.com' } },
    updateInboundChannel: { settings: { url: 'http://127.0.0.1:9/' } },
    createToken: { name: 'Walled', scopes: ['tokens:write'] },
  };

  /** Calls an operation with the example of its body. */
  const call = async (operation: DescribedOperation, token: string | null, ids: Ids = {}): Promise<Answer> => {
    const path = pathOf(operation, ids);
    const request = (token === null ? api.anonymous : api.as(token))[operation.method](path);
    const body = bodies[operation.id] ?? operation.body;
    return await (body === undefined ? request : request.send(body));
  };
  const refusal = ({ status, body }: Answer): object => ({ status, code: (body as { code?: string }).code });
  /** Another tenant's ids, where there are none of a route's own. */
  const anyIds = ({ pathParameters }: DescribedOperation): Ids =>
    Object.fromEntries(
      pathParameters.map((name) => [name, formatId('webhook', '01900000-0000-7000-8000-000000000000')]),
    );

  const ofTenants = OPERATIONS.filter(({ isOperators, isPublic }) => !isOperators && !isPublic);
  const ofOperator = OPERATIONS.filter(({ isOperators }) => isOperators);
  const withIds = ofTenants.filter(({ pathParameters }) => pathParameters.length > 0);
  const inProjects = withIds.filter(({ pathParameters }) => !pathParameters.some((name) => OF_THE_TENANT.has(name)));
  const named = (operations: DescribedOperation[]): [string, DescribedOperation][] =>
    operations.map((operation) => [operation.name, operation]);

  it('covers every kind of id that openapi.yaml has in a path', () => {
    const known = new Set(OPERATIONS.flatMap(({ pathParameters }) => pathParameters));
    expect([...known].filter((name) => !(name in factories))).toEqual([]);
    expect(withIds.length).toBeGreaterThan(10);
    expect(inProjects.length).toBeGreaterThan(5);
  });

  it.each(named([...ofTenants, ...ofOperator]))(
    '%s is 401 without a token and with a wrong one',
    async (_name, operation) => {
      const without = await call(operation, null, anyIds(operation));
      expect(refusal(without)).toEqual({ status: 401, code: 'missing_token' });
      expect(without.headers['www-authenticate']).toMatch(/^Bearer /);
      const wrong = await call(operation, `trae_${'x'.repeat(43)}`, anyIds(operation));
      expect(refusal(wrong)).toEqual({ status: 401, code: 'invalid_token' });
    },
  );

  it.each(named(ofOperator))("%s is 401 for a tenant's token", async (_name, operation) => {
    const answer = await call(operation, owner.token, anyIds(operation));
    expect(refusal(answer)).toEqual({ status: 401, code: 'invalid_token' });
  });

  it.each(named(ofTenants))("%s is 401 for the operator's token", async (_name, operation) => {
    const answer = await call(operation, ADMIN_TOKEN, anyIds(operation));
    expect(refusal(answer)).toEqual({ status: 401, code: 'invalid_token' });
  });

  it.each(named(ofTenants.filter(({ scopes }) => scopes.length > 0)))(
    '%s is 403 without its scope, and open with it alone',
    async (_name, operation) => {
      const ids = await makeIds(operation);
      if (operation.path === SLACK_LINK) await linkSlack();
      const others = SCOPES.filter(
        (scope) => scope !== '*' && !operation.scopes.some((own) => coversScope([scope], own)),
      );
      const lacking = await makeToken(api, owner, others);
      expect(refusal(await call(operation, lacking.token, ids))).toEqual({ status: 403, code: 'missing_scope' });
      const holding = await makeToken(api, owner, operation.scopes);
      expect([401, 403, 404]).not.toContain((await call(operation, holding.token, ids)).status);
    },
  );

  it('only public keys are public', async () => {
    const open = OPERATIONS.filter(({ isPublic }) => isPublic);
    expect(open.map(({ name }) => name)).toEqual(['GET /api/tenants/{tenant_id}/jwks.json']);
    for (const operation of open) expect((await call(operation, null, { tenant_id: owner.tenantId })).status).toBe(200);
  });

  it('only /api/me asks for no scope', () => {
    expect(ofTenants.filter(({ scopes }) => scopes.length === 0).map(({ name }) => name)).toEqual(['GET /api/me']);
  });

  it.each(named(withIds))('%s is 404 for another tenant, who changes nothing', async (_name, operation) => {
    const ids = await makeIds(operation);
    expect(refusal(await call(operation, stranger.token, ids))).toEqual({ status: 404, code: 'not_found' });
    // The very same ids are good for their owner, also after the attempt.
    expect((await call(operation, owner.token, ids)).status).toBeLessThan(300);
  });

  it.each(named(withIds))('%s is 404 for ids that are none', async (_name, operation) => {
    for (const wrong of ['nothing', 'webhook_', 'user_zzzzzzzzzzzzzzzzzzzzzzzzzz', '..', '0', '%00', 'é']) {
      const ids = Object.fromEntries(operation.pathParameters.map((name) => [name, wrong]));
      expect(refusal(await call(operation, owner.token, ids))).toEqual({ status: 404, code: 'not_found' });
    }
  });

  it.each(named(inProjects))("%s is 404 for another project's token, open for its own", async (_name, operation) => {
    const ids = await makeIds(operation);
    const other = await makeToken(api, owner, ['*'], { project_id: OTHER_PROJECT });
    expect(refusal(await call(operation, other.token, ids))).toEqual({ status: 404, code: 'not_found' });
    const own = await makeToken(api, owner, ['*'], { project_id: PROJECT });
    expect((await call(operation, own.token, ids)).status).toBeLessThan(300);
  });

  it.each(named(withIds.filter((operation) => !inProjects.includes(operation) && operation.method !== 'get')))(
    "%s is refused to a project's token, since it concerns the whole tenant",
    async (_name, operation) => {
      const ids = await makeIds(operation);
      const { token } = await makeToken(api, owner, ['*'], { project_id: PROJECT });
      expect([403, 404]).toContain((await call(operation, token, ids)).status);
    },
  );

  it.each(named(ofTenants.filter(({ method, pathParameters }) => method === 'get' && pathParameters.length === 0)))(
    "%s shows a stranger and another project nothing of what is the owner's",
    async (_name, operation) => {
      const project = await makeToken(api, owner, ['*'], { project_id: OTHER_PROJECT });
      const ids: Ids = {};
      for (const name of ['webhook_id', 'event_id', 'token_id', 'user_id', 'name'])
        ids[name] = await factories[name]!(ids);
      const text = async (token: string): Promise<string> => JSON.stringify((await call(operation, token)).body);
      const seen = await text(stranger.token);
      for (const id of [...Object.values(ids), owner.tenantId, owner.userId, owner.tokenId]) {
        expect(seen).not.toContain(`"${id}"`);
      }
      const within = await text(project.token);
      for (const name of ['webhook_id', 'event_id', 'token_id']) expect(within).not.toContain(`"${ids[name]}"`);
    },
  );

  it("of an event, a project's token sees the deliveries to the project's webhooks only", async () => {
    const { token } = await makeToken(api, owner, ['*'], { project_id: PROJECT });
    const within = await factories['webhook_id']!({});
    const everywhere = await made(
      '/api/webhooks',
      { url: 'http://127.0.0.1:9/', events: ['*'], name: 'Every' },
      'webhook_id',
    );
    const event = await factories['event_id']!({});
    const seenBy = async (who: string): Promise<string[]> => {
      const response = await api.as(who).get(`/api/events/${event}`).expect(200);
      return (response.body as { deliveries: { webhook_id: string }[] }).deliveries
        .map(({ webhook_id }) => webhook_id)
        .sort();
    };
    for (const webhook of [within, everywhere]) await deliver(event, webhook);
    expect(await seenBy(owner.token)).toEqual([within, everywhere].sort());
    expect(await seenBy(token)).toEqual([within]);
  });

  /** As fan-out does. */
  async function deliver(eventId: string, webhookId: string): Promise<void> {
    const [tenant, event, webhook] = [
      uuidOf('tenant', owner.tenantId),
      uuidOf('event', eventId),
      uuidOf('webhook', webhookId),
    ];
    await pool.query(
      `INSERT INTO deliveries (id, tenant_id, webhook_id, event_id, event_type, status, state)
       VALUES ($1, $2, $3, $4, 'build.completed', 'pending', 'queued')`,
      [deliveryUuid(event, webhook), tenant, webhook, event],
    );
  }
});
