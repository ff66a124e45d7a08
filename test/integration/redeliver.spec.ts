import { startService, type TestService } from '../support/apps-in-process';
import { describeEachBackend } from '../support/backends';
import { makeTenant, makeToken } from '../support/factories';
import { uuidOf, writeDelivery } from '../support/history';
import { startReceiver, TEST_SECRET, type Receiver } from '../support/receiver';
import { waitFor } from '../support/wait-for';

const INSTANT = expect.stringMatching(/^\d{4}-\d{2}-\d{2}T\d{2}:\d{2}:\d{2}(\.\d{3})?Z$/) as string;

interface Delivery {
  delivery_id: string;
  event_id: string;
  status: string;
  original_delivery_id?: string;
}

describeEachBackend('redelivering', (backend) => {
  let service: TestService;
  let receiver: Receiver;
  let webhookId: string;

  beforeAll(async () => {
    service = await startService(backend);
    receiver = await startReceiver();
  });

  beforeEach(async () => {
    receiver.answer(() => 200);
    const body = {
      url: receiver.origin,
      events: ['*'],
      name: 'Redelivered',
      secret: TEST_SECRET,
      retry_policy: { max_attempts: 1 },
    };
    const made = await post('/api/webhooks', body).expect(201);
    webhookId = (made.body as { webhook_id: string }).webhook_id;
  });

  afterEach(async () => {
    await service.api.as(service.tenant.token).delete(`/api/webhooks/${webhookId}`);
  });

  afterAll(async () => {
    await service.stop();
    await receiver.stop();
  });

  const post = (path: string, body: object = {}, headers: Record<string, string> = {}) =>
    service.api.as(service.tenant.token).post(path).set(headers).send(body);
  const history = async (): Promise<{ deliveries: Delivery[]; stats: object }> =>
    (await service.api.as(service.tenant.token).get(`/api/webhooks/${webhookId}/deliveries`).expect(200)).body as {
      deliveries: Delivery[];
      stats: object;
    };
  const write = async (data: string | null = '{"big":12345678901234567890,"f":1.0}'): Promise<string> => {
    await writeDelivery(service.pool, {
      tenantId: service.tenant.tenantId,
      webhookId,
      atMs: Date.now(),
      eventType: 'build.failed',
      state: 'exhausted',
      data,
    });
    return (await history()).deliveries[0]!.delivery_id;
  };
  const redeliver = (deliveryId: string, headers: Record<string, string> = {}) =>
    post(`/api/webhooks/${webhookId}/deliveries/${deliveryId}/redeliver`, {}, headers);
  const requestsOf = (deliveryId: string) => receiver.requests.filter((request) => request.deliveryId === deliveryId);

  it("makes a new delivery of the same event, answers with the reference's shape, and delivers it", async () => {
    const original = await write();
    const response = await redeliver(original).expect(202);
    expect(response.body).toEqual({
      delivery_id: expect.stringMatching(/^del_[0-9a-z]{26}$/) as string,
      original_delivery_id: original,
      event_type: 'build.failed',
      status: 'pending',
      scheduled_at: INSTANT,
      webhook_url: receiver.origin,
    });
    const { delivery_id } = response.body as Delivery;
    await waitFor('the redelivery to be recorded', async () => (await history()).deliveries[0]?.status === 'success');
    const { deliveries, stats } = await history();
    expect(deliveries[0]).toMatchObject({
      delivery_id,
      original_delivery_id: original,
      event_id: deliveries[1]!.event_id,
    });
    expect(stats).toMatchObject({
      total_deliveries: 2,
      successful_deliveries: 1,
      failed_deliveries: 1,
      pending_deliveries: 0,
    });
    const [request] = requestsOf(delivery_id);
    expect(request!.raw.toString()).toContain('"data":{"big":12345678901234567890,"f":1.0}}');
    expect(request!.headers['webhook-id']).toBe(deliveries[1]!.event_id);
  });

  it('is done once for the same Idempotency-Key, also when it comes several times at once', async () => {
    const original = await write();
    const key = { 'idempotency-key': 'again' };
    const answers = await Promise.all([1, 2, 3].map(() => redeliver(original, key)));
    expect(answers.map((answer) => answer.status)).toEqual([202, 202, 202]);
    expect(new Set(answers.map((answer) => (answer.body as Delivery).delivery_id)).size).toBe(1);
    expect((await redeliver(original, key).expect(202)).body).toEqual(answers[0]!.body);
    expect((await history()).deliveries).toHaveLength(2);
    const other = await write();
    expect((await redeliver(other, key).expect(422)).body).toMatchObject({ code: 'idempotency_mismatch' });
  });

  it('is refused for an inactive webhook with 409 and for a deleted one with 404', async () => {
    const original = await write();
    await service.api.as(service.tenant.token).put(`/api/webhooks/${webhookId}`).send({ active: false }).expect(200);
    expect((await redeliver(original).expect(409)).body).toMatchObject({ code: 'webhook_inactive' });
    await service.api.as(service.tenant.token).delete(`/api/webhooks/${webhookId}`).expect(200);
    await redeliver(original).expect(404);
    expect((await history()).deliveries).toHaveLength(1);
  });

  it('is refused with 410 once the payload is gone, and for a test with 409', async () => {
    expect((await redeliver(await write(null)).expect(410)).body).toMatchObject({ code: 'payload_gone' });
    const test = (await post(`/api/webhooks/${webhookId}/test`).expect(200)).body as Delivery;
    expect((await redeliver(test.delivery_id).expect(409)).body).toMatchObject({ code: 'test_delivery' });
  });

  it('is 404 for strangers and needs its scope', async () => {
    const original = await write();
    const path = `/api/webhooks/${webhookId}/deliveries/${original}/redeliver`;
    const bound = (await makeToken(service.api, service.tenant, ['*'], { project_id: 'proj_1' })).token;
    const stranger = (await makeTenant(service.api)).token;
    for (const token of [bound, stranger]) await service.api.as(token).post(path).expect(404);
    const reader = (await makeToken(service.api, service.tenant, ['deliveries:read'])).token;
    await service.api.as(reader).post(path).expect(403);
    await redeliver(original.replace(/.$/, (last) => (last === '0' ? '1' : '0'))).expect(404);
    expect(uuidOf('del', original)).toMatch(/-/);
    expect((await history()).deliveries).toHaveLength(1);
  });
});
