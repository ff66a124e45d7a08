import { Pool } from 'pg';
import { startApi, type TestApi } from '../support/api';
import { makeTenant, makeToken, type TestTenant } from '../support/factories';
import { foldAll } from '../support/fold-all';
import { uuidOf, writeDelivery, type PastDelivery } from '../support/history';
import { createTestDatabase, type TestDatabase } from '../support/postgres';

const HOUR_MS = 3_600_000;
const INSTANT = expect.stringMatching(/^\d{4}-\d{2}-\d{2}T\d{2}:\d{2}:\d{2}(\.\d{3})?Z$/) as string;
const FAILURE = {
  code: 500,
  ms: 5000,
  error: 'HTTP 500: Internal Server Error',
  errorClass: 'http_status',
  body: 'Internal Server Error',
};

interface DeliveryList {
  deliveries: { delivery_id: string; event_type: string; status: string }[];
  total: number;
  pagination: { limit: number; offset: number; has_more: boolean; next_cursor: string | null };
  stats: Record<string, number>;
}

describe('the delivery history', () => {
  let database: TestDatabase;
  let pool: Pool;
  let api: TestApi;
  let tenant: TestTenant;
  let webhookId: string;

  beforeAll(async () => {
    database = await createTestDatabase();
    pool = new Pool({ connectionString: database.url, max: 2 });
    // Partitions reach back far enough for histories made here.
    await pool.query(`SELECT ensure_partitions(now() - interval '10 days', now())`);
    api = await startApi({ databaseUrl: database.url, env: { DELIVERY_ALLOWED_CIDRS: '127.0.0.0/8' } });
  });

  beforeEach(async () => {
    tenant = await makeTenant(api);
    const body = { url: 'http://127.0.0.1:9/', events: ['*'], name: 'History' };
    const made = await api.as(tenant.token).post('/api/webhooks').send(body).expect(201);
    webhookId = (made.body as { webhook_id: string }).webhook_id;
  });

  afterAll(async () => {
    await api.stop();
    await pool.end();
    await database.drop();
  });

  const write = (past: Partial<PastDelivery> & { atMs: number }): Promise<{ id: string; eventId: string }> =>
    writeDelivery(pool, { tenantId: tenant.tenantId, webhookId, ...past });
  const list = async (query: object = {}): Promise<DeliveryList> =>
    (await api.as(tenant.token).get(`/api/webhooks/${webhookId}/deliveries`).query(query).expect(200))
      .body as DeliveryList;

  it("has the reference's shape", async () => {
    const atMs = Date.now() - HOUR_MS;
    await write({ atMs, eventType: 'build.failed', state: 'exhausted', attempts: [FAILURE, FAILURE, FAILURE] });
    await write({ atMs: atMs + 1, attempts: [{ code: 200, ms: 245, body: 'OK' }], data: '{"build_id":"build_123"}' });
    const failedAttempt = {
      started_at: INSTANT,
      status: 'failed',
      response_code: 500,
      response_time: 5000,
      error: FAILURE.error,
      error_class: 'http_status',
    };
    expect(await list()).toEqual({
      deliveries: [
        {
          delivery_id: expect.stringMatching(/^del_[0-9a-z]{26}$/) as string,
          webhook_id: webhookId,
          event_type: 'build.completed',
          event_id: expect.stringMatching(/^event_[0-9a-z]{26}$/) as string,
          status: 'success',
          state: 'delivered',
          response_code: 200,
          response_time: 245,
          response_body: 'OK',
          delivered_at: INSTANT,
          attempts: 1,
          next_retry: null,
          payload: { event: 'build.completed', timestamp: INSTANT, data: { build_id: 'build_123' } },
          attempt_log: [
            {
              attempt: 1,
              started_at: INSTANT,
              status: 'success',
              response_code: 200,
              response_time: 245,
              error: null,
              error_class: null,
            },
          ],
        },
        {
          delivery_id: expect.stringMatching(/^del_[0-9a-z]{26}$/) as string,
          webhook_id: webhookId,
          event_type: 'build.failed',
          event_id: expect.stringMatching(/^event_[0-9a-z]{26}$/) as string,
          status: 'failed',
          state: 'exhausted',
          response_code: 500,
          response_time: 5000,
          response_body: 'Internal Server Error',
          delivered_at: INSTANT,
          attempts: 3,
          error: 'HTTP 500: Internal Server Error',
          next_retry: null,
          payload: { event: 'build.failed', timestamp: INSTANT, data: { n: 1 } },
          attempt_log: [1, 2, 3].map((attempt) => ({ attempt, ...failedAttempt })),
        },
      ],
      total: 2,
      pagination: { limit: 20, offset: 0, has_more: false, next_cursor: null },
      stats: {
        total_deliveries: 2,
        successful_deliveries: 1,
        failed_deliveries: 1,
        pending_deliveries: 0,
        success_rate: 50,
      },
    });
  });

  it('shows payloads byte for byte as they were published', async () => {
    const data = '{"big":12345678901234567890,"float":1.0, "text":"a\\u0000\\"$&"}';
    const { id } = await write({ atMs: Date.now(), data });
    expect(id).toMatch(/^[0-9a-f-]{36}$/);
    const response = await api.as(tenant.token).get(`/api/webhooks/${webhookId}/deliveries`).expect(200);
    expect(response.text).toContain(`"data":${data}}`);
  });

  it('shows when a pending delivery is tried again', async () => {
    const dueAtMs = Date.UTC(2030, 0, 1);
    await write({ atMs: Date.now() - 5_000, state: 'retrying', attempts: [FAILURE], dueAtMs });
    await write({ atMs: Date.now() - 6_000, state: 'queued', dueAtMs: Date.now(), attempts: [] });
    expect(await list({ status: 'pending' })).toMatchObject({
      deliveries: [
        { status: 'pending', state: 'retrying', next_retry: '2030-01-01T00:00:00Z', attempts: 1, error: FAILURE.error },
        { status: 'pending', state: 'queued', attempts: 0, delivered_at: null, response_code: null, attempt_log: [] },
      ],
      total: 2,
      stats: { pending_deliveries: 2, success_rate: 100 },
    });
  });

  it('reads one with the body of every response, and says when one was cut', async () => {
    const attempts = [
      { ...FAILURE, body: 'first' },
      { code: null, ms: 30_000, error: 'No complete response within the time limit', errorClass: 'timeout' },
      { code: 200, ms: 10, body: '\ud83d\ude00 cut', truncated: true },
    ];
    await write({ atMs: Date.now(), attempts });
    const deliveryId = (await list()).deliveries[0]!.delivery_id;
    const response = await api.as(tenant.token).get(`/api/webhooks/${webhookId}/deliveries/${deliveryId}`).expect(200);
    expect(response.body).toMatchObject({
      delivery_id: deliveryId,
      response_body: '\ud83d\ude00 cut',
      response_truncated: true,
      attempt_log: [
        { attempt: 1, response_body: 'first' },
        { attempt: 2, response_body: null, response_code: null, error_class: 'timeout' },
        { attempt: 3, response_body: '\ud83d\ude00 cut', response_truncated: true },
      ],
    });
  });

  it('outlives its payloads', async () => {
    await write({ atMs: Date.now(), data: null });
    expect(await list()).toMatchObject({ deliveries: [{ payload: null, response_body: 'OK' }] });
  });

  it('names an event as its publisher did', async () => {
    const { eventId } = await write({ atMs: Date.now() });
    await pool.query(`UPDATE events SET client_event_id = 'order-17' WHERE id = $1`, [eventId]);
    expect(await list()).toMatchObject({ deliveries: [{ event_id: 'order-17' }] });
  });

  it('is one list over all statuses, newest first, by offset and by cursor', async () => {
    const states = ['delivered', 'exhausted', 'queued', 'delivered', 'cancelled', 'retrying', 'delivered'] as const;
    const expected: string[] = [];
    for (const [index, state] of states.entries()) {
      // Over two weeks, so over two partitions.
      const { id } = await write({ atMs: Date.now() - (7 - index) * 24 * HOUR_MS, state });
      expected.unshift(id);
    }
    const all = (await list()).deliveries.map((delivery) => uuidOf('del', delivery.delivery_id));
    expect(all).toEqual(expected);
    const byOffset = await list({ limit: 3, offset: 2 });
    expect(byOffset.deliveries.map((delivery) => uuidOf('del', delivery.delivery_id))).toEqual(expected.slice(2, 5));
    expect(byOffset.pagination).toMatchObject({ limit: 3, offset: 2, has_more: true });
    const walked: string[] = [];
    for (let cursor: string | null | undefined; cursor !== null;) {
      const page: DeliveryList = await list({ limit: 3, ...(cursor !== undefined && { cursor }) });
      walked.push(...page.deliveries.map((delivery) => uuidOf('del', delivery.delivery_id)));
      cursor = page.pagination.next_cursor;
      expect(page.total).toBe(7);
    }
    expect(walked).toEqual(expected);
  });

  it.each([false, true])('filters, with totals that are exact (statistics folded: %s)', async (isFolded) => {
    const hour = Math.floor(Date.now() / HOUR_MS) * HOUR_MS - 5 * HOUR_MS;
    // Three hours, each with one of every kind in its first and in its second half.
    for (const part of [0, 1, 2, 3, 4, 5]) {
      const atMs = hour + part * (HOUR_MS / 2) + 60_000;
      await write({ atMs, eventType: 'build.completed' });
      await write({ atMs, eventType: 'build.failed', state: 'exhausted', attempts: [FAILURE] });
      await write({ atMs, eventType: 'build.failed', state: 'cancelled' });
      await write({ atMs, eventType: 'file.created', state: 'queued', dueAtMs: Date.now() });
    }
    if (isFolded) await foldAll(pool);
    const at = (hours: number): string => new Date(hour + hours * HOUR_MS).toISOString();
    const expectCounts = async (
      query: object,
      total: number,
      stats: [number, number, number, number],
    ): Promise<void> => {
      const answer = await list({ limit: 100, ...query });
      expect([query, answer.deliveries.length, answer.total]).toEqual([query, total, total]);
      const { total_deliveries, successful_deliveries, failed_deliveries, pending_deliveries } = answer.stats;
      expect([query, total_deliveries, successful_deliveries, failed_deliveries, pending_deliveries]).toEqual([
        query,
        ...stats,
      ]);
    };
    await expectCounts({}, 24, [24, 6, 12, 6]);
    await expectCounts({ status: 'failed' }, 12, [24, 6, 12, 6]);
    await expectCounts({ event_type: 'build.failed' }, 12, [12, 0, 12, 0]);
    await expectCounts({ event_type: 'build.failed', status: 'success' }, 0, [12, 0, 12, 0]);
    await expectCounts({ start_date: at(1) }, 16, [16, 4, 8, 4]);
    await expectCounts({ start_date: at(0.5) }, 20, [20, 5, 10, 5]);
    await expectCounts({ end_date: at(2.5) }, 20, [20, 5, 10, 5]);
    await expectCounts({ start_date: at(0.5), end_date: at(2.5) }, 16, [16, 4, 8, 4]);
    await expectCounts(
      { start_date: at(0.5), end_date: at(2.5), status: 'pending', event_type: 'file.created' },
      4,
      [4, 0, 0, 4],
    );
    await expectCounts({ start_date: at(0.25), end_date: at(0.75) }, 4, [4, 1, 2, 1]);
    await expectCounts({ start_date: at(3), end_date: at(3) }, 0, [0, 0, 0, 0]);
  });

  it.each([false, true])('pages through one event type among others (statistics folded: %s)', async (isFolded) => {
    const nowMs = Date.now();
    const expected: string[] = [];
    for (let index = 0; index < 12; index += 1) {
      const atMs = nowMs - (12 - index) * 0.4 * HOUR_MS;
      const { id } = await write({
        atMs,
        eventType: 'file.created',
        state: index % 3 === 0 ? 'cancelled' : 'delivered',
      });
      expected.unshift(id);
      await write({ atMs: atMs + 1, eventType: 'file.deleted' });
    }
    if (isFolded) await foldAll(pool);
    for (const query of [{ event_type: 'file.created' }, { event_type: 'file.created', status: 'success' }]) {
      const wanted = expected.filter((_, index) => !('status' in query) || (11 - index) % 3 !== 0);
      const walked: string[] = [];
      for (let cursor: string | null | undefined; cursor !== null;) {
        const page: DeliveryList = await list({ ...query, limit: 5, ...(cursor !== undefined && { cursor }) });
        walked.push(...page.deliveries.map((delivery) => uuidOf('del', delivery.delivery_id)));
        cursor = page.pagination.next_cursor;
        expect(page.total).toBe(wanted.length);
      }
      expect(walked).toEqual(wanted);
      const byOffset = await list({ ...query, limit: 3, offset: 4 });
      expect(byOffset.deliveries.map((delivery) => uuidOf('del', delivery.delivery_id))).toEqual(wanted.slice(4, 7));
    }
    expect(await list({ event_type: 'user.login' })).toMatchObject({ deliveries: [], total: 0 });
  });

  it('includes the whole day of an end_date without time', async () => {
    const midnight = Math.floor(Date.now() / (24 * HOUR_MS)) * 24 * HOUR_MS - 48 * HOUR_MS;
    await write({ atMs: midnight - 1 });
    await write({ atMs: midnight });
    await write({ atMs: midnight + 24 * HOUR_MS - 1 });
    await write({ atMs: midnight + 24 * HOUR_MS });
    const day = new Date(midnight).toISOString().slice(0, 10);
    expect(await list({ start_date: day, end_date: day })).toMatchObject({ total: 2, stats: { total_deliveries: 2 } });
  });

  it.each([
    ['limit', 'limit=101'],
    ['offset', 'offset=10001'],
    ['status', 'status=delivered'],
    ['start_date', 'start_date=yesterday'],
    ['start_date', 'start_date=2024-02-30'],
    ['end_date', 'start_date=2024-01-02&end_date=2024-01-01T00:00:00Z'],
    ['cursor', 'cursor=abc'],
    ['cursor', `cursor=${'!'.repeat(22)}`],
    ['offset', `offset=1&cursor=${'A'.repeat(22)}`],
    ['sort', 'sort=id'],
  ])('refuses a wrong %s: ?%s', async (field, query) => {
    const response = await api.as(tenant.token).get(`/api/webhooks/${webhookId}/deliveries?${query}`).expect(400);
    expect(response.body).toMatchObject({ code: 'invalid_request', details: [{ field }] });
  });

  it.each(['0000-01-01', '0001-01-01', '9999-12-31', '1969-12-31T23:59:59Z'])('takes the date %s', async (date) => {
    await list({ start_date: date });
    await list({ end_date: date });
  });

  it('knows no delivery of another webhook, tenant or kind', async () => {
    await write({ atMs: Date.now() });
    const deliveryId = (await list()).deliveries[0]!.delivery_id;
    const body = { url: 'http://127.0.0.1:9/', events: ['*'], name: 'Other' };
    const other = (await api.as(tenant.token).post('/api/webhooks').send(body).expect(201)).body as {
      webhook_id: string;
    };
    const stranger = (await makeTenant(api)).token;
    const bound = (await makeToken(api, tenant, ['*'], { project_id: 'proj_1' })).token;
    const path = `/api/webhooks/${webhookId}/deliveries`;
    await api.as(tenant.token).get(`/api/webhooks/${other.webhook_id}/deliveries/${deliveryId}`).expect(404);
    await api
      .as(tenant.token)
      .get(`${path}/${deliveryId.replace('del_', 'del_test_')}`)
      .expect(404);
    await api.as(tenant.token).get(`${path}/del_unknown`).expect(404);
    for (const token of [stranger, bound]) {
      await api.as(token).get(path).expect(404);
      await api.as(token).get(`${path}/${deliveryId}`).expect(404);
    }
  });
});
