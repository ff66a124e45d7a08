import { Pool } from 'pg';
import { disableWebhook } from '../../apps/dispatcher/src/webhooks/disable-webhook.queries';
import { startApi, type TestApi } from '../support/api';
import { makeTenant, makeToken, type TestTenant } from '../support/factories';
import { uuidOf, writeDelivery } from '../support/history';
import { createTestDatabase, type TestDatabase } from '../support/postgres';

/** The reference's example of creating a webhook, with an address that needs no name server. */
const EXAMPLE = {
  url: 'http://127.0.0.1:9/webhooks/trae',
  events: ['build.completed', 'build.failed', 'deployment.completed', 'deployment.failed'],
  name: 'CI/CD Notifications',
  description: 'Receive notifications for build and deployment events',
  secret: 'your-webhook-secret-key',
  active: true,
  project_id: 'proj_123',
  headers: { 'X-Custom-Header': 'custom-value', Authorization: 'Bearer your-api-token' },
  timeout: 30,
  retry_policy: { max_attempts: 3, backoff_strategy: 'exponential', initial_delay: 1000, max_delay: 60000 },
};
const SMALL = { url: EXAMPLE.url, events: ['build.failed'], name: 'Small' };
const INSTANT = expect.stringMatching(/^\d{4}-\d{2}-\d{2}T\d{2}:\d{2}:\d{2}(\.\d{3})?Z$/) as string;
const WEBHOOK_ID = expect.stringMatching(/^webhook_[0-9a-z]{26}$/) as string;

interface Webhook {
  webhook_id: string;
  secret: string;
  updated_at: string;
}

interface WebhookList {
  webhooks: { webhook_id: string; name: string }[];
  total: number;
  pagination: { limit: number; offset: number; has_more: boolean };
}

describe('webhooks', () => {
  let database: TestDatabase;
  let pool: Pool;
  let api: TestApi;
  let tenant: TestTenant;

  beforeAll(async () => {
    database = await createTestDatabase();
    pool = new Pool({ connectionString: database.url, max: 2 });
    api = await startApi({ databaseUrl: database.url, env: { DELIVERY_ALLOWED_CIDRS: '127.0.0.0/8' } });
  });

  beforeEach(async () => {
    tenant = await makeTenant(api);
  });

  afterAll(async () => {
    await api.stop();
    await pool.end();
    await database.drop();
  });

  const make = async (body: object = SMALL, token = tenant.token): Promise<Webhook> =>
    (await api.as(token).post('/api/webhooks').send(body).expect(201)).body as Webhook;
  const list = async (query: object = {}, token = tenant.token): Promise<WebhookList> =>
    (await api.as(token).get('/api/webhooks').query(query).expect(200)).body as WebhookList;
  const versionOf = async (): Promise<number> => {
    const { rows } = await pool.query<{ version: string }>(
      'SELECT webhooks_version AS version FROM tenants WHERE id = $1',
      [uuidOf('tenant', tenant.tenantId)],
    );
    return Number(rows[0]!.version);
  };

  describe('create', () => {
    it("answers the reference's example with the reference's shape", async () => {
      expect(await make(EXAMPLE)).toEqual({
        webhook_id: WEBHOOK_ID,
        ...EXAMPLE,
        created_at: INSTANT,
        updated_at: INSTANT,
        created_by: tenant.userId,
        stats: { total_deliveries: 0, successful_deliveries: 0, failed_deliveries: 0, last_delivery: null },
      });
    });

    it('fills in what is left out', async () => {
      const made = await make();
      expect(made).toMatchObject({
        description: null,
        active: true,
        project_id: null,
        headers: {},
        timeout: 30,
        retry_policy: { max_attempts: 3, backoff_strategy: 'exponential', initial_delay: 1000, max_delay: 60000 },
      });
      expect(made.secret).toMatch(/^whsec_[A-Za-z0-9+/]{43}=$/);
    });

    it('keeps the whole of a retry policy', async () => {
      const retry_policy = {
        max_attempts: 5,
        backoff_strategy: 'linear',
        initial_delay: 2000,
        max_delay: 300000,
        retry_on_status: [500, 502],
        retry_on_timeout: false,
        jitter: 0.5,
      };
      expect(await make({ ...SMALL, retry_policy })).toMatchObject({ retry_policy });
    });

    it('takes patterns, and event types that are given twice once', async () => {
      expect(await make({ ...SMALL, events: ['build.*', '*', 'build.failed', '*'] })).toMatchObject({
        events: ['build.*', '*', 'build.failed'],
      });
    });

    it('stores neither secret nor header values in plain text', async () => {
      await make(EXAMPLE);
      const { rows } = await pool.query<Record<string, unknown>>('SELECT * FROM webhooks WHERE tenant_id = $1', [
        uuidOf('tenant', tenant.tenantId),
      ]);
      const stored = Object.values(rows[0]!).map((value) =>
        Buffer.isBuffer(value) ? value.toString('latin1') : JSON.stringify(value),
      );
      expect(stored.join()).toContain('X-Custom-Header');
      for (const secret of [EXAMPLE.secret, 'custom-value', 'your-api-token'])
        expect(stored.join()).not.toContain(secret);
    });

    it.each([
      ['url', { url: 'ftp://example.com' }],
      ['url', { url: 'http://user:password@127.0.0.1/' }],
      ['url', { url: 'http://10.0.0.1/' }],
      ['url', { url: 'http://169.254.169.254/latest' }],
      ['url', { url: `http://127.0.0.1/${'a'.repeat(2048)}` }],
      ['url', { url: undefined }],
      ['events', { events: [] }],
      ['events', { events: ['build.unknown'] }],
      ['events', { events: ['build..x'] }],
      ['events', { events: [1] }],
      ['events', { events: 'build.failed' }],
      ['events', { events: Array.from({ length: 101 }, (_, index) => `build.x${index}.*`) }],
      ['name', { name: '' }],
      ['name', { name: 'x'.repeat(256) }],
      ['name', { name: 'nul\u0000' }],
      ['description', { description: 'x'.repeat(2001) }],
      ['secret', { secret: 'short' }],
      ['secret', { secret: 'whsec_not base64' }],
      ['secret', { secret: null }],
      ['active', { active: 'yes' }],
      ['project_id', { project_id: '' }],
      ['headers', { headers: { Host: 'x' } }],
      ['headers', { headers: { 'x-trae-event': 'x' } }],
      ['headers', { headers: { 'bad name': 'x' } }],
      ['headers', { headers: { 'X-A': 'x\r\nX-B: y' } }],
      ['headers', { headers: { 'X-A': 1 } }],
      ['headers', { headers: { 'X-A': 'x', 'x-a': 'y' } }],
      ['headers', { headers: { 'X-A': 'x'.repeat(4097) } }],
      ['headers', { headers: Object.fromEntries(Array.from({ length: 21 }, (_, index) => [`X-${index}`, ''])) }],
      ['headers', { headers: [] }],
      ['timeout', { timeout: 0 }],
      ['timeout', { timeout: 61 }],
      ['timeout', { timeout: '30' }],
      ['retry_policy', { retry_policy: 3 }],
      ['retry_policy.max_attempts', { retry_policy: { max_attempts: 51 } }],
      ['retry_policy.backoff_strategy', { retry_policy: { backoff_strategy: 'random' } }],
      ['retry_policy.initial_delay', { retry_policy: { initial_delay: -1 } }],
      ['retry_policy.max_delay', { retry_policy: { max_delay: 86_400_001 } }],
      ['retry_policy.retry_on_status', { retry_policy: { retry_on_status: [99] } }],
      ['retry_policy.attempts', { retry_policy: { attempts: 1 } }],
      ['webhook_id', { webhook_id: 'webhook_1' }],
    ])('refuses a wrong %s, names it and stores nothing: %j', async (field, wrong) => {
      const response = await api
        .as(tenant.token)
        .post('/api/webhooks')
        .send({ ...SMALL, ...wrong })
        .expect(400);
      expect(response.body).toMatchObject({ statusCode: 400, code: 'invalid_request', details: [{ field }] });
      expect((await list()).total).toBe(0);
    });

    it('accepts a host that does not resolve, since its receiver may be set up later', async () => {
      await make({ ...SMALL, url: 'http://not-there.invalid/hook' });
    });

    it('refuses more webhooks than the tenant may have, also when they come at once', async () => {
      tenant = await makeTenant(api, 'Small', { max_webhooks: 2 });
      const answers = await Promise.all(
        Array.from({ length: 5 }, () => api.as(tenant.token).post('/api/webhooks').send(SMALL)),
      );
      expect(answers.map((answer) => answer.status).sort()).toEqual([201, 201, 409, 409, 409]);
      expect(answers.find((answer) => answer.status === 409)!.body).toMatchObject({ code: 'webhook_limit_reached' });
    });
  });

  describe('list', () => {
    it("has the reference's shape, without secrets", async () => {
      const made = await make(EXAMPLE);
      const atMs = Date.now() - 60_000;
      await writeDelivery(pool, { tenantId: tenant.tenantId, webhookId: made.webhook_id, atMs });
      await writeDelivery(pool, { tenantId: tenant.tenantId, webhookId: made.webhook_id, atMs, state: 'exhausted' });
      await writeDelivery(pool, { tenantId: tenant.tenantId, webhookId: made.webhook_id, atMs, state: 'cancelled' });
      expect(await list()).toEqual({
        webhooks: [
          {
            webhook_id: made.webhook_id,
            url: EXAMPLE.url,
            events: EXAMPLE.events,
            name: EXAMPLE.name,
            description: EXAMPLE.description,
            active: true,
            project_id: 'proj_123',
            created_at: INSTANT,
            updated_at: INSTANT,
            created_by: tenant.userId,
            stats: {
              total_deliveries: 3,
              successful_deliveries: 1,
              failed_deliveries: 2,
              last_delivery: INSTANT,
              success_rate: 50,
            },
          },
        ],
        total: 1,
        pagination: { limit: 20, offset: 0, has_more: false },
      });
    });

    it('shows a success rate of 100 while nothing has finished', async () => {
      await make();
      expect(await list()).toMatchObject({ webhooks: [{ stats: { success_rate: 100, last_delivery: null } }] });
    });

    it('filters, sorts and pages', async () => {
      for (const [name, project_id, active] of [
        ['b', 'p1', true],
        ['a', 'p1', false],
        ['c', null, true],
      ] as const) {
        await make({ ...SMALL, name, project_id, active });
      }
      const names = async (query: object): Promise<string> =>
        (await list(query)).webhooks.map((webhook) => webhook.name).join('');
      expect(await names({})).toBe('cab');
      expect(await names({ order: 'asc' })).toBe('bac');
      expect(await names({ sort: 'name' })).toBe('cba');
      expect(await names({ sort: 'name', order: 'asc' })).toBe('abc');
      expect(await names({ project_id: 'p1' })).toBe('ab');
      expect(await names({ active: 'true' })).toBe('cb');
      expect(await names({ active: 'false', project_id: 'p1' })).toBe('a');
      expect(await list({ limit: 2, offset: 0 })).toMatchObject({
        total: 3,
        pagination: { limit: 2, offset: 0, has_more: true },
      });
      expect(await list({ limit: 2, offset: 2 })).toMatchObject({
        total: 3,
        pagination: { limit: 2, offset: 2, has_more: false },
      });
    });

    it.each(['limit=101', 'limit=0', 'offset=-1', 'sort=url', 'order=up', 'active=1', 'unknown=1'])(
      'refuses ?%s',
      async (query) => {
        const response = await api.as(tenant.token).get(`/api/webhooks?${query}`).expect(400);
        expect(response.body).toMatchObject({ code: 'invalid_request', details: [{ field: query.split('=')[0] }] });
      },
    );
  });

  it("reads one with the reference's shape", async () => {
    const made = await make(EXAMPLE);
    const past = { tenantId: tenant.tenantId, webhookId: made.webhook_id };
    const atMs = Date.now() - 600_000;
    const failure = { code: 500, ms: 5000, error: 'HTTP 500: Internal Server Error', errorClass: 'http_status' };
    await writeDelivery(pool, {
      ...past,
      atMs,
      state: 'exhausted',
      eventType: 'build.failed',
      attempts: [failure, failure, failure],
    });
    await writeDelivery(pool, { ...past, atMs: atMs + 1, attempts: [{ code: 200, ms: 245, body: 'OK' }] });
    const response = await api.as(tenant.token).get(`/api/webhooks/${made.webhook_id}`).expect(200);
    expect(response.body).toEqual({
      webhook_id: made.webhook_id,
      ...EXAMPLE,
      created_at: INSTANT,
      updated_at: INSTANT,
      created_by: tenant.userId,
      stats: {
        total_deliveries: 2,
        successful_deliveries: 1,
        failed_deliveries: 1,
        last_delivery: INSTANT,
        success_rate: 50,
        average_response_time: 2623,
      },
      recent_deliveries: [
        {
          delivery_id: expect.stringMatching(/^del_/) as string,
          event_type: 'build.completed',
          status: 'success',
          response_code: 200,
          response_time: 245,
          delivered_at: INSTANT,
          attempts: 1,
        },
        {
          delivery_id: expect.stringMatching(/^del_/) as string,
          event_type: 'build.failed',
          status: 'failed',
          response_code: 500,
          response_time: 5000,
          delivered_at: INSTANT,
          attempts: 3,
          error: 'HTTP 500: Internal Server Error',
        },
      ],
    });
  });

  describe('update', () => {
    const put = (id: string, body: object, status = 200) =>
      api.as(tenant.token).put(`/api/webhooks/${id}`).send(body).expect(status);

    it("answers the reference's example with the reference's shape", async () => {
      const { webhook_id } = await make(EXAMPLE);
      const change = {
        events: ['build.completed', 'build.failed', 'deployment.completed', 'deployment.failed', 'security.alert'],
        active: true,
        timeout: 45,
        retry_policy: { max_attempts: 5, backoff_strategy: 'exponential', initial_delay: 2000, max_delay: 120000 },
      };
      const response = await put(webhook_id, change);
      expect(response.body).toEqual({
        webhook_id,
        url: EXAMPLE.url,
        name: EXAMPLE.name,
        description: EXAMPLE.description,
        ...change,
        updated_at: INSTANT,
      });
    });

    it('changes only what is given; headers and retry policy as a whole', async () => {
      const made = await make(EXAMPLE);
      await put(made.webhook_id, {
        name: 'Renamed',
        headers: { 'X-Other': 'o' },
        retry_policy: { max_attempts: 7 },
        description: null,
      });
      const response = await api.as(tenant.token).get(`/api/webhooks/${made.webhook_id}`).expect(200);
      expect(response.body).toMatchObject({
        ...EXAMPLE,
        name: 'Renamed',
        description: null,
        headers: { 'X-Other': 'o' },
        retry_policy: { max_attempts: 7, backoff_strategy: 'exponential', initial_delay: 1000, max_delay: 60000 },
      });
      expect((response.body as { headers: object }).headers).toEqual({ 'X-Other': 'o' });
    });

    it('sets, keeps and lifts limits on sending, which are whole numbers within bounds', async () => {
      const { webhook_id } = await make({ ...SMALL, rate_limit: 10_000, max_in_flight: 1 });
      const limits = { rate_limit: 10_000, max_in_flight: 1 };
      expect((await put(webhook_id, { name: 'Renamed' })).body).toMatchObject(limits);
      expect((await api.as(tenant.token).get(`/api/webhooks/${webhook_id}`)).body).toMatchObject(limits);
      const lifted = (await put(webhook_id, { rate_limit: null, max_in_flight: 1_000 })).body as object;
      expect(lifted).toMatchObject({ max_in_flight: 1_000 });
      expect(lifted).not.toHaveProperty('rate_limit');
      for (const wrong of [0, 10_001, 1.5, '5', -1]) await put(webhook_id, { rate_limit: wrong }, 400);
      for (const wrong of [0, 1_001, true]) await put(webhook_id, { max_in_flight: wrong }, 400);
    });

    it('tells dispatchers of every change, and of none where nothing changes', async () => {
      const before = await versionOf();
      const { webhook_id } = await make();
      expect(await versionOf()).toBe(before + 1);
      await put(webhook_id, { secret: 'another-secret' });
      expect(await versionOf()).toBe(before + 2);
      await put(webhook_id, {});
      expect(await versionOf()).toBe(before + 2);
      await api.as(tenant.token).delete(`/api/webhooks/${webhook_id}`).expect(200);
      expect(await versionOf()).toBe(before + 3);
    });

    it.each([
      ['url', { url: null }],
      ['url', { url: 'http://10.1.2.3/' }],
      ['events', { events: ['nothing.known'] }],
      ['active', { active: null }],
      ['project_id', { project_id: 'proj_2' }],
      ['retry_policy.max_delay', { retry_policy: { max_delay: 1.5 } }],
    ])('refuses a wrong %s: %j', async (field, change) => {
      const { webhook_id } = await make();
      const response = await put(webhook_id, change, 400);
      expect(response.body).toMatchObject({ details: [{ field }] });
    });

    it('gets through while a dispatcher disables it at the same time', async () => {
      const { webhook_id } = await make();
      const ids = [uuidOf('tenant', tenant.tenantId), uuidOf('webhook', webhook_id)] as const;
      for (let round = 0; round < 20; round += 1) {
        const [answer] = await Promise.all([put(webhook_id, { active: true }), disableWebhook(pool, ...ids, '410')]);
        expect(answer.status).toBe(200);
      }
    });

    it('cancels what waits when it makes the webhook inactive', async () => {
      const { webhook_id } = await make();
      const past = { tenantId: tenant.tenantId, webhookId: webhook_id, atMs: Date.now() - 1_000 };
      await writeDelivery(pool, { ...past, state: 'queued', dueAtMs: Date.now() });
      await writeDelivery(pool, { ...past, state: 'retrying', dueAtMs: Date.now() + 3_600_000 });
      await put(webhook_id, { active: false });
      const history = await api.as(tenant.token).get(`/api/webhooks/${webhook_id}/deliveries`).expect(200);
      expect(history.body).toMatchObject({
        deliveries: [
          { status: 'failed', state: 'cancelled', error: 'The webhook was made inactive', next_retry: null },
          { status: 'failed', state: 'cancelled', error: 'The webhook was made inactive', next_retry: null },
        ],
        stats: { total_deliveries: 2, failed_deliveries: 2, pending_deliveries: 0, success_rate: 100 },
      });
      const { rows } = await pool.query('SELECT FROM waiting_deliveries WHERE webhook_id = $1', [
        uuidOf('webhook', webhook_id),
      ]);
      expect(rows).toHaveLength(0);
    });
  });

  it('deletes one: it is gone, its history is not', async () => {
    const { webhook_id } = await make();
    await writeDelivery(pool, {
      tenantId: tenant.tenantId,
      webhookId: webhook_id,
      atMs: Date.now(),
      state: 'queued',
      dueAtMs: Date.now(),
    });
    const response = await api.as(tenant.token).delete(`/api/webhooks/${webhook_id}`).expect(200);
    expect(response.body).toEqual({ message: 'Webhook deleted successfully', webhook_id, deleted_at: INSTANT });
    await api.as(tenant.token).get(`/api/webhooks/${webhook_id}`).expect(404);
    await api.as(tenant.token).put(`/api/webhooks/${webhook_id}`).send({ name: 'x' }).expect(404);
    await api.as(tenant.token).delete(`/api/webhooks/${webhook_id}`).expect(404);
    expect((await list()).total).toBe(0);
    const history = await api.as(tenant.token).get(`/api/webhooks/${webhook_id}/deliveries`).expect(200);
    expect(history.body).toMatchObject({ total: 1, deliveries: [{ state: 'cancelled' }] });
  });

  it('are 404 for another tenant on every route', async () => {
    const { webhook_id } = await make(EXAMPLE);
    const { id } = await writeDelivery(pool, { tenantId: tenant.tenantId, webhookId: webhook_id, atMs: Date.now() });
    const own = await api.as(tenant.token).get(`/api/webhooks/${webhook_id}/deliveries`).expect(200);
    const deliveryId = (own.body as { deliveries: { delivery_id: string }[] }).deliveries[0]!.delivery_id;
    expect(uuidOf('del', deliveryId)).toBe(id);
    const stranger = api.as((await makeTenant(api)).token);
    for (const response of [
      await stranger.get(`/api/webhooks/${webhook_id}`),
      await stranger.put(`/api/webhooks/${webhook_id}`).send({ name: 'Mine' }),
      await stranger.delete(`/api/webhooks/${webhook_id}`),
      await stranger.get(`/api/webhooks/${webhook_id}/deliveries`),
      await stranger.get(`/api/webhooks/${webhook_id}/deliveries/${deliveryId}`),
    ]) {
      expect(response.status).toBe(404);
      expect(response.body).toMatchObject({ code: 'not_found' });
    }
    expect(await api.as(tenant.token).get(`/api/webhooks/${webhook_id}`)).toMatchObject({
      body: { name: EXAMPLE.name },
    });
  });

  it('are seen by a token bound to a project only within it', async () => {
    const { token } = await makeToken(api, tenant, ['*'], { project_id: 'proj_123' });
    const own = await make({ ...SMALL, name: 'own' }, token);
    expect(own).toMatchObject({ project_id: 'proj_123' });
    const other = await make({ ...SMALL, project_id: 'proj_2' });
    const everyProject = await make();
    expect((await list({}, token)).webhooks.map((webhook) => webhook.webhook_id)).toEqual([own.webhook_id]);
    expect((await list({ project_id: 'proj_2' }, token)).total).toBe(0);
    for (const { webhook_id } of [other, everyProject]) {
      await api.as(token).get(`/api/webhooks/${webhook_id}`).expect(404);
      await api.as(token).put(`/api/webhooks/${webhook_id}`).send({ name: 'x' }).expect(404);
      await api.as(token).delete(`/api/webhooks/${webhook_id}`).expect(404);
      await api.as(token).get(`/api/webhooks/${webhook_id}/deliveries`).expect(404);
    }
    const refused = await api
      .as(token)
      .post('/api/webhooks')
      .send({ ...SMALL, project_id: 'proj_2' })
      .expect(403);
    expect(refused.body).toMatchObject({ code: 'project_forbidden' });
  });

  it('never show secrets in lists, updates or errors', async () => {
    const { webhook_id } = await make(EXAMPLE);
    const agent = api.as(tenant.token);
    const answers = [
      await agent.get('/api/webhooks'),
      await agent.put(`/api/webhooks/${webhook_id}`).send({ secret: EXAMPLE.secret, headers: EXAMPLE.headers }),
      await agent.put(`/api/webhooks/${webhook_id}`).send({ secret: 'whsec_your-api-token' }),
      await agent.put(`/api/webhooks/${webhook_id}`).send({ headers: { 'X-A': 'your-api-token\n' } }),
    ];
    expect(answers.map((answer) => answer.status)).toEqual([200, 200, 400, 400]);
    for (const { text } of answers) {
      for (const secret of [EXAMPLE.secret, 'custom-value', 'your-api-token']) expect(text).not.toContain(secret);
    }
  });

  it('need the scope', async () => {
    const { webhook_id } = await make();
    const { token } = await makeToken(api, tenant, ['webhooks:read']);
    await api.as(token).get(`/api/webhooks/${webhook_id}`).expect(200);
    await api.as(token).post('/api/webhooks').send(SMALL).expect(403);
    await api.as(token).put(`/api/webhooks/${webhook_id}`).send({}).expect(403);
    await api.as(token).delete(`/api/webhooks/${webhook_id}`).expect(403);
    await api.as(token).get(`/api/webhooks/${webhook_id}/deliveries`).expect(403);
  });
});
