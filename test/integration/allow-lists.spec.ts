import { ADMIN_TOKEN } from '../support/api';
import { startService, type TestService } from '../support/apps-in-process';
import { describeEachBackend } from '../support/backends';
import { makeTenant, type TestTenant } from '../support/factories';
import { startReceiver, type Receiver } from '../support/receiver';
import { waitFor } from '../support/wait-for';

const LOOPBACK = ['127.0.0.0/8'];
const WEBHOOK = { events: ['*'], name: 'Inside' };

describeEachBackend("a tenant's allow list", (backend) => {
  let service: TestService;
  let receiver: Receiver;
  let allowed: TestTenant;
  let other: TestTenant;

  beforeAll(async () => {
    service = await startService(backend, { env: { DELIVERY_ALLOWED_CIDRS: 'none' } });
    receiver = await startReceiver();
    [allowed, other] = [await makeTenant(service.api, 'Allowed'), await makeTenant(service.api, 'Other')];
    await allow(allowed, LOOPBACK);
  });
  afterAll(async () => {
    await receiver.stop();
    await service.stop();
  });

  const patch = (tenant: TestTenant, body: object, status = 200) =>
    service.api.as(ADMIN_TOKEN).patch(`/api/admin/tenants/${tenant.tenantId}`).send(body).expect(status);
  const allow = (tenant: TestTenant, cidrs: string[]) => patch(tenant, { allowed_cidrs: cidrs });
  const create = (tenant: TestTenant, url: string) =>
    service.api
      .as(tenant.token)
      .post('/api/webhooks')
      .send({ ...WEBHOOK, url });
  const outcomes = async (webhookId: string) =>
    service.rows<{ error_class: string | null; state: string }>(
      'SELECT error_class, state FROM deliveries WHERE webhook_id = $1 AND last_attempt_at IS NOT NULL ORDER BY id',
      [webhookId],
    );
  const untilOutcome = (webhookId: string, count: number) =>
    waitFor(`${count} outcomes`, async () => (await outcomes(webhookId)).length >= count);

  it('is set by the operator, and shown to the operator', async () => {
    const ranges = ['10.20.0.0/16', 'fd00:20::/32', '192.168.1.7'];
    expect((await allow(other, [...ranges, '10.20.0.0/16'])).body).toMatchObject({ allowed_cidrs: ranges });
    expect((await patch(other, { name: 'Renamed' })).body).toMatchObject({ allowed_cidrs: ranges });
    expect((await allow(other, [])).body).toMatchObject({ allowed_cidrs: [] });
    for (const wrong of [['10.0.0.0/33'], ['localhost'], [7], 'none', [''], ['fe80::1%eth0/64']]) {
      const refused = await patch(other, { allowed_cidrs: wrong }, 400);
      expect((refused.body as { details: { field: string }[] }).details[0]?.field).toMatch(/^allowed_cidrs/);
    }
  });

  it('counts for its tenant only, at creation and at every change', async () => {
    for (const url of [receiver.origin, receiver.origin.replace('127.0.0.1', 'localhost')]) {
      const mine = await create(allowed, url);
      expect(mine.status).toBe(201);
      const path = `/api/webhooks/${(mine.body as { webhook_id: string }).webhook_id}`;
      await service.api.as(allowed.token).put(path).send({ url: 'http://127.9.9.9/' }).expect(200);
      await service.api.as(allowed.token).put(path).send({ url: 'http://10.0.0.1/' }).expect(400);
      await service.api.as(allowed.token).delete(path).expect(200);
      const theirs = await create(other, url);
      expect(theirs.status).toBe(400);
      expect(theirs.body).toMatchObject({ details: [{ field: 'url' }] });
    }
    const elsewhere = await create(other, 'https://receiver.example/');
    const path = `/api/webhooks/${(elsewhere.body as { webhook_id: string }).webhook_id}`;
    await service.api.as(other.token).put(path).send({ url: receiver.origin }).expect(400);
  });

  it('counts at every attempt, also over a connection that is open already, and in test deliveries', async () => {
    const url = receiver.origin.replace('127.0.0.1', 'localhost');
    const mine = await service.webhook({ tenant: allowed, url });
    // Written past the API, as one that was made before its tenant lost the range.
    const theirs = await service.webhook({ tenant: other, url, retryPolicy: { max_attempts: 1 } });
    const before = receiver.requests.length;
    await service.publish({}, allowed.token);
    await receiver.waitFor(before + 1);
    await untilOutcome(mine.id, 1);
    await service.publish({}, other.token);
    await untilOutcome(theirs.id, 1);
    expect(await outcomes(mine.id)).toEqual([{ error_class: null, state: 'delivered' }]);
    expect(await outcomes(theirs.id)).toEqual([{ error_class: 'blocked_address', state: 'exhausted' }]);

    const tested = await service.api.as(other.token).post(`/api/webhooks/${theirs.publicId}/test`).send({});
    expect(tested.body).toMatchObject({ status: 'failed', response_code: null });
    const allowedTest = await service.api.as(allowed.token).post(`/api/webhooks/${mine.publicId}/test`).send({});
    expect(allowedTest.body).toMatchObject({ status: 'success' });
    expect(receiver.requests.length).toBe(before + 2);
  });

  it('that is taken away stops the next delivery', async () => {
    const mine = await service.webhook({ tenant: allowed, url: receiver.origin, retryPolicy: { max_attempts: 1 } });
    const before = receiver.requests.length;
    await service.publish({}, allowed.token);
    await untilOutcome(mine.id, 1);
    await allow(allowed, []);
    await service.publish({}, allowed.token);
    await untilOutcome(mine.id, 2);
    expect((await outcomes(mine.id)).map((row) => row.error_class)).toEqual([null, 'blocked_address']);
    expect(receiver.requests.filter(({ body }) => body.webhook_id === mine.publicId)).toHaveLength(1);
    expect(receiver.requests.length).toBeGreaterThan(before);
    await allow(allowed, LOOPBACK);
  });
});
