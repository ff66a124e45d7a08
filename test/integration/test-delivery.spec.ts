import { Pool } from 'pg';
import { Webhook } from 'standardwebhooks';
import { startApi, type TestApi } from '../support/api';
import { makeTenant, makeToken, type TestTenant } from '../support/factories';
import { createTestDatabase, type TestDatabase } from '../support/postgres';
import { startReceiver, TEST_SECRET, type Receiver } from '../support/receiver';
import { waitFor } from '../support/wait-for';

const INSTANT = expect.stringMatching(/^\d{4}-\d{2}-\d{2}T\d{2}:\d{2}:\d{2}(\.\d{3})?Z$/) as string;
const TEST_ID = expect.stringMatching(/^del_test_[0-9a-z]{26}$/) as string;

interface TestAnswer {
  delivery_id: string;
  status: string;
  error?: string;
}

describe('test deliveries', () => {
  let database: TestDatabase;
  let pool: Pool;
  let api: TestApi;
  let receiver: Receiver;
  let tenant: TestTenant;
  let webhookId: string;

  beforeAll(async () => {
    database = await createTestDatabase();
    pool = new Pool({ connectionString: database.url, max: 2 });
    api = await startApi({ databaseUrl: database.url, env: { DELIVERY_ALLOWED_CIDRS: '127.0.0.0/8' } });
  });

  beforeEach(async () => {
    receiver = await startReceiver(() => ({ body: 'OK' }));
    tenant = await makeTenant(api);
    webhookId = await make();
  });

  afterEach(() => receiver.stop());

  afterAll(async () => {
    await api.stop();
    await pool.end();
    await database.drop();
  });

  const url = (): string => `${receiver.origin}/hook`;
  const make = async (more: object = {}): Promise<string> => {
    const body = { url: url(), events: ['build.failed'], name: 'Tested', secret: TEST_SECRET, ...more };
    const made = await api.as(tenant.token).post('/api/webhooks').send(body).expect(201);
    return (made.body as { webhook_id: string }).webhook_id;
  };
  const test = (body: object | string = {}, headers: Record<string, string> = {}) =>
    api
      .as(tenant.token)
      .post(`/api/webhooks/${webhookId}/test`)
      .set('content-type', 'application/json')
      .set(headers)
      .send(body);

  it("are sent at once, signed, and answered with the reference's shape", async () => {
    const payload = { build_id: 'build_test_123', project_id: 'proj_123', status: 'success', duration: 120 };
    const response = await test({ event_type: 'build.completed', payload }).expect(200);
    expect(response.body).toEqual({
      delivery_id: TEST_ID,
      event_type: 'build.completed',
      status: 'success',
      response_code: 200,
      response_time: expect.any(Number) as number,
      response_body: 'OK',
      delivered_at: INSTANT,
      attempts: 1,
      webhook_url: url(),
    });
    expect(receiver.requests).toHaveLength(1);
    const [request] = receiver.requests;
    const { delivery_id } = response.body as TestAnswer;
    expect(request!.body).toEqual({
      event: 'build.completed',
      timestamp: INSTANT,
      webhook_id: webhookId,
      delivery_id,
      data: payload,
    });
    expect(request!.headers).toMatchObject({
      'user-agent': 'Trae-Webhooks/1.0',
      'x-trae-event': 'build.completed',
      'x-trae-delivery': delivery_id,
      'x-trae-webhook-id': webhookId,
    });
    const standard = new Webhook(Buffer.from(TEST_SECRET).toString('base64'));
    expect(() => standard.verify(request!.raw, request!.headers as Record<string, string>)).not.toThrow();
  });

  it('are of type test.ping unless another is named', async () => {
    expect((await test().expect(200)).body).toMatchObject({ event_type: 'test.ping', status: 'success' });
    expect(receiver.requests[0]!.body).toMatchObject({ event: 'test.ping', data: { test: true } });
  });

  it('carry their payload byte for byte, also in the history', async () => {
    const payload = '{"big":12345678901234567890,"float":1.0, "t":"\\u0000"}';
    const answer = (await test(`{"payload":${payload}}`).expect(200)).body as TestAnswer;
    expect(receiver.requests[0]!.raw.toString()).toContain(`"data":${payload}}`);
    const path = `/api/webhooks/${webhookId}/deliveries/${answer.delivery_id}`;
    expect((await api.as(tenant.token).get(path).expect(200)).text).toContain(`"data":${payload}}`);
  });

  it('say what went wrong, in one attempt', async () => {
    receiver.answer(() => ({ status: 500, body: 'broken' }));
    expect((await test().expect(200)).body).toMatchObject({
      status: 'failed',
      response_code: 500,
      response_body: 'broken',
      attempts: 1,
      error: 'HTTP 500: Internal Server Error',
    });
    receiver.answer(() => 'close');
    expect((await test().expect(200)).body).toMatchObject({
      status: 'failed',
      response_code: null,
      response_body: null,
    });
    await receiver.stop();
    expect((await test().expect(200)).body).toMatchObject({ status: 'failed', error: 'Connection refused' });
  });

  it('end at the timeout of the webhook', async () => {
    receiver.answer(() => 'hang');
    webhookId = await make({ timeout: 1 });
    const response = await test().expect(200);
    expect(response.body).toMatchObject({ status: 'failed', error: 'No complete response within the time limit' });
  });

  it('are kept in the history and count in no statistics', async () => {
    receiver.answer((request) => (request.body.event === 'test.ping' ? 500 : { body: 'OK' }));
    const failed = (await test().expect(200)).body as TestAnswer;
    const delivered = (await test({ event_type: 'build.failed' }).expect(200)).body as TestAnswer;
    const history = await api.as(tenant.token).get(`/api/webhooks/${webhookId}/deliveries`).expect(200);
    expect(history.body).toMatchObject({
      deliveries: [
        {
          delivery_id: delivered.delivery_id,
          status: 'success',
          state: 'delivered',
          response_body: 'OK',
          attempts: 1,
          attempt_log: [{ attempt: 1, status: 'success' }],
          payload: { event: 'build.failed', timestamp: receiver.requests[1]!.body.timestamp },
        },
        {
          delivery_id: failed.delivery_id,
          status: 'failed',
          state: 'exhausted',
          attempt_log: [{ error_class: 'http_status' }],
        },
      ],
      total: 2,
      stats: { total_deliveries: 0, failed_deliveries: 0, success_rate: 100 },
    });
    const path = `/api/webhooks/${webhookId}/deliveries?status=failed&event_type=test.ping`;
    expect((await api.as(tenant.token).get(path).expect(200)).body).toMatchObject({ total: 1 });
    expect((await api.as(tenant.token).get(`/api/webhooks/${webhookId}`)).body).toMatchObject({
      stats: { total_deliveries: 0, average_response_time: null },
      recent_deliveries: [{ delivery_id: delivered.delivery_id }, { delivery_id: failed.delivery_id }],
    });
  });

  it('are sent for an inactive webhook too, and not for a deleted one', async () => {
    webhookId = await make({ active: false });
    expect((await test().expect(200)).body).toMatchObject({ status: 'success' });
    await api.as(tenant.token).delete(`/api/webhooks/${webhookId}`).expect(200);
    await test().expect(404);
    expect(receiver.requests).toHaveLength(1);
  });

  it('leave the webhook as it is when it answers 410', async () => {
    receiver.answer(() => 410);
    await test().expect(200);
    expect((await api.as(tenant.token).get(`/api/webhooks/${webhookId}`)).body).toMatchObject({ active: true });
  });

  it('are limited per webhook and minute', async () => {
    tenant = await makeTenant(api, 'Limited', { tests_per_minute: 2 });
    webhookId = await make();
    const answers = await Promise.all([test(), test(), test(), test()]);
    // None, where the minute turned meanwhile and the count began anew.
    let refused = answers.find((answer) => answer.status === 429);
    await waitFor('a refusal', async () => {
      refused ??= await test().then((answer) => (answer.status === 429 ? answer : undefined));
      return refused !== undefined;
    });
    expect(refused!.body).toMatchObject({ statusCode: 429, code: 'too_many_tests' });
    expect(Number(refused!.headers['retry-after'])).toBeGreaterThanOrEqual(1);
    expect(Number(refused!.headers['retry-after'])).toBeLessThanOrEqual(60);
    expect(refused!.headers).toMatchObject({ 'ratelimit-limit': '2', 'ratelimit-remaining': '0' });
    const sent = receiver.requests.length;
    webhookId = await make();
    const other = await test().expect(200);
    expect(other.headers).toMatchObject({ 'ratelimit-limit': '2', 'ratelimit-remaining': '1' });
    expect(receiver.requests).toHaveLength(sent + 1);
  });

  it('are sent once for the same Idempotency-Key', async () => {
    const key = { 'idempotency-key': 'once' };
    const [first, second] = [
      await test({ payload: { a: 1 } }, key).expect(200),
      await test({ payload: { a: 1 } }, key).expect(200),
    ];
    expect(second.body).toEqual(first.body);
    expect(receiver.requests).toHaveLength(1);
    expect((await test({ payload: { a: 2 } }, key).expect(422)).body).toMatchObject({ code: 'idempotency_mismatch' });
    await test({ payload: { a: 1 } }, { 'idempotency-key': 'two words' }).expect(400);
    expect(receiver.requests).toHaveLength(1);
  });

  it('refuse to be doubled while the first of the same Idempotency-Key is under way', async () => {
    receiver.answer(() => ({ delayMs: 500 }));
    const key = { 'idempotency-key': 'slow' };
    const first = test({}, key).then((answer) => answer);
    await receiver.waitFor(1);
    expect((await test({}, key).expect(409)).body).toMatchObject({ code: 'test_under_way' });
    expect((await first).status).toBe(200);
    expect(receiver.requests).toHaveLength(1);
  });

  it.each([
    ['event_type', { event_type: 'nothing.known' }],
    ['event_type', { event_type: 'build.*' }],
    ['event_type', { event_type: null }],
    ['payload', { payload: [] }],
    ['payload', { payload: 'text' }],
    ['payload', { payload: null }],
    ['data', { data: {} }],
  ])('refuse a wrong %s: %j', async (field, body) => {
    expect((await test(body).expect(400)).body).toMatchObject({ details: [{ field }] });
    expect(receiver.requests).toHaveLength(0);
  });

  it('refuse a payload that is too large', async () => {
    tenant = await makeTenant(api, 'Small payloads', { max_event_bytes: 1024 });
    webhookId = await make();
    const response = await test({ payload: { text: 'x'.repeat(1024) } }).expect(413);
    expect(response.body).toMatchObject({ code: 'payload_too_large', details: [{ field: 'payload' }] });
  });

  it('are 404 for strangers and need their scope', async () => {
    const path = `/api/webhooks/${webhookId}/test`;
    const bound = (await makeToken(api, tenant, ['*'], { project_id: 'proj_1' })).token;
    for (const token of [(await makeTenant(api)).token, bound]) await api.as(token).post(path).send({}).expect(404);
    const reader = (await makeToken(api, tenant, ['webhooks:write', 'deliveries:read'])).token;
    await api.as(reader).post(path).send({}).expect(403);
    expect(receiver.requests).toHaveLength(0);
  });
});
