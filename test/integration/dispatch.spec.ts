import { createHmac } from 'node:crypto';
import { startService, type Publication, type Published, type TestService } from '../support/apps-in-process';
import { describeEachBackend } from '../support/backends';
import { makeTenant, type TestTenant } from '../support/factories';
import type { TestWebhook } from '../support/insert-webhook';
import { execute } from '../support/postgres';
import { startReceiver, TEST_SECRET, type Receiver, type Reply } from '../support/receiver';
import { waitFor } from '../support/wait-for';

interface DeliveryRow {
  id: string;
  status: string;
  state: string;
  attempts: number;
  owner: string | null;
  response_code: number | null;
  error_class: string | null;
  next_attempt_at: Date | null;
  last_attempt_at: Date | null;
}

interface AttemptRow {
  number: number;
  status_code: number | null;
  error_class: string | null;
  started_at: Date;
  duration_ms: number;
}

describeEachBackend('the way of an event', (backend) => {
  let service: TestService;
  let tenant: TestTenant;
  const receivers: Receiver[] = [];

  beforeAll(async () => {
    service = await startService(backend);
    // What a delivery is like while it waits for its next attempt; a look at it may come too late.
    await execute(
      service.databaseUrl,
      `CREATE TABLE retries_put_off (LIKE deliveries);
       CREATE FUNCTION note_retry() RETURNS trigger LANGUAGE plpgsql SECURITY DEFINER AS
         'BEGIN INSERT INTO public.retries_put_off SELECT NEW.*; RETURN NULL; END';
       CREATE TRIGGER note_retry AFTER INSERT OR UPDATE ON deliveries FOR EACH ROW
         WHEN (NEW.state = 'retrying') EXECUTE FUNCTION note_retry()`,
    );
  });
  beforeEach(async () => {
    tenant = await makeTenant(service.api);
  });
  afterEach(async () => {
    await Promise.all(receivers.splice(0).map((receiver) => receiver.stop()));
  });
  afterAll(async () => {
    await service.stop();
  });

  async function receiver(reply?: (attempt: number) => Reply): Promise<Receiver> {
    const started = await startReceiver(reply === undefined ? undefined : ({ attempt }) => reply(attempt));
    receivers.push(started);
    return started;
  }

  const webhookOf = (values: Parameters<TestService['webhook']>[0]): Promise<TestWebhook> =>
    service.webhook({ tenant, ...values });
  const publish = (publication?: Publication): Promise<Published> => service.publish(publication, tenant.token);
  const attemptsOf = (deliveryId: string): Promise<AttemptRow[]> =>
    service.rows('SELECT * FROM attempts WHERE delivery_id = $1 ORDER BY number', [deliveryId]);
  const untilDelivery = async (
    webhookId: string,
    holds: (row: DeliveryRow) => boolean,
    deadlineMs?: number,
  ): Promise<DeliveryRow> => {
    let found: DeliveryRow | undefined;
    await waitFor(
      'the delivery to stand as wanted',
      async () => {
        [found] = await service.rows<DeliveryRow>('SELECT * FROM deliveries WHERE webhook_id = $1', [webhookId]);
        return found !== undefined && holds(found);
      },
      deadlineMs,
    );
    return found!;
  };

  it('delivers a published event signed, and records delivery, attempt and response', async () => {
    const { origin, requests, ...target } = await receiver(() => ({ status: 201, body: 'thanks' }));
    const webhook = await webhookOf({ url: `${origin}/hooks?a=b` });
    const published = await publish({ data: { build_id: 'build_123', duration: 120 } });
    await target.waitFor(1);

    const [request] = requests;
    expect(request).toMatchObject({
      path: '/hooks?a=b',
      body: { event: 'build.completed', webhook_id: webhook.publicId, data: { build_id: 'build_123', duration: 120 } },
    });
    expect(Object.keys(request!.body)).toEqual(['event', 'timestamp', 'webhook_id', 'delivery_id', 'data']);
    expect(request!.headers).toMatchObject({
      'content-type': 'application/json',
      'user-agent': 'Trae-Webhooks/1.0',
      'x-trae-event': 'build.completed',
      'x-trae-delivery': request!.body.delivery_id,
      'x-trae-webhook-id': webhook.publicId,
      'x-trae-timestamp': expect.stringMatching(/^\d{10}$/) as string,
      'webhook-id': published.event_id,
    });
    const signed = `${published.event_id}.${String(request!.headers['webhook-timestamp'])}.${request!.raw.toString()}`;
    expect(request!.headers['webhook-signature']).toBe(
      `v1,${createHmac('sha256', TEST_SECRET).update(signed).digest('base64')}`,
    );

    const delivery = await untilDelivery(webhook.id, (row) => row.status !== 'pending');
    expect(delivery).toMatchObject({
      ...{ status: 'success', state: 'delivered', attempts: 1, owner: null, response_code: 201, error_class: null },
      next_attempt_at: null,
    });
    expect(await attemptsOf(delivery.id)).toMatchObject([{ number: 1, status_code: 201, error_class: null }]);
    const [response] = await service.rows<{ body: Buffer; truncated: boolean }>(
      'SELECT body, truncated FROM attempt_responses WHERE delivery_id = $1',
      [delivery.id],
    );
    expect(response).toEqual({ body: Buffer.from('thanks'), truncated: false });
  });

  it('folds what it counted into exact totals', async () => {
    const good = await receiver();
    const bad = await receiver(() => 400);
    const goodHook = await webhookOf({ url: good.origin });
    const badHook = await webhookOf({ url: bad.origin });
    await Promise.all(Array.from({ length: 25 }, () => publish()));
    const totals = (): Promise<Record<string, string>[]> =>
      service.rows(
        `SELECT webhook_id, created, successful, failed, cancelled, response_time_count FROM webhook_totals
         WHERE webhook_id IN ($1, $2) ORDER BY webhook_id`,
        [goodHook.id, badHook.id],
      );
    const counted = (rows: Record<string, string>[]): number =>
      rows.reduce((sum, row) => sum + Number(row['created']) + Number(row['successful']) + Number(row['failed']), 0);
    await waitFor('all counts to be folded', async () => counted(await totals()) >= 4 * 25);
    expect(await totals()).toEqual([
      {
        webhook_id: goodHook.id,
        ...{ created: '25', successful: '25', failed: '0', cancelled: '0', response_time_count: '25' },
      },
      {
        webhook_id: badHook.id,
        ...{ created: '25', successful: '0', failed: '25', cancelled: '0', response_time_count: '25' },
      },
    ]);
    const [hours] = await service.rows<Record<string, string>>(
      `SELECT sum(created) AS created, sum(successful) AS successful,
         (SELECT sum(count) FROM hourly_stats h, unnest(h.histogram_counts) AS count WHERE h.webhook_id = $1) AS timed
       FROM hourly_stats WHERE webhook_id = $1`,
      [goodHook.id],
    );
    expect(hours).toEqual({ created: '25', successful: '25', timed: '25' });
  });

  it.each([
    { strategy: 'fixed', delays: [200, 200, 200] },
    { strategy: 'linear', delays: [200, 400, 600] },
    { strategy: 'exponential', delays: [200, 400, 500] },
  ] as const)('retries a 500 with $strategy delays, exactly and up to max_delay', async ({ strategy, delays }) => {
    const { origin, ...target } = await receiver((attempt) => (attempt <= delays.length ? 500 : 200));
    const max = strategy === 'exponential' ? 500 : 60_000;
    const webhook = await webhookOf({
      url: origin,
      retryPolicy: { backoff_strategy: strategy, initial_delay: 200, max_delay: max, max_attempts: 5 },
    });
    await publish();
    await target.waitFor(delays.length + 1);
    const row = await untilDelivery(webhook.id, ({ status }) => status === 'success');
    expect(row.attempts).toBe(delays.length + 1);
    const attempts = await attemptsOf(row.id);
    const put = await service.rows<DeliveryRow>('SELECT * FROM retries_put_off WHERE id = $1 ORDER BY attempts', [
      row.id,
    ]);
    expect(put).toMatchObject(
      delays.map((_, index) => ({
        attempts: index + 1,
        status: 'pending',
        response_code: 500,
        error_class: 'http_status',
      })),
    );
    for (const [index, delayMs] of delays.entries()) {
      // started_at and duration are kept in whole milliseconds each.
      const endedMs = attempts[index]!.started_at.getTime() + attempts[index]!.duration_ms;
      expect(Math.abs(put[index]!.next_attempt_at!.getTime() - endedMs - delayMs)).toBeLessThanOrEqual(15);
    }
    for (const [index, delayMs] of delays.entries()) {
      const [before, after] = [receivers.at(-1)!.requests[index]!, receivers.at(-1)!.requests[index + 1]!];
      expect(after.atMs - before.atMs).toBeGreaterThanOrEqual(delayMs);
      expect(after.raw).toEqual(before.raw);
      expect(after.headers['x-trae-delivery']).toBe(before.headers['x-trae-delivery']);
    }
  });

  it('gives up after max_attempts', async () => {
    const { origin, requests } = await receiver(() => 503);
    const webhook = await webhookOf({ url: origin, retryPolicy: { max_attempts: 2, initial_delay: 10 } });
    await publish();
    const row = await untilDelivery(webhook.id, ({ status }) => status !== 'pending');
    expect(row).toMatchObject({ status: 'failed', state: 'exhausted', attempts: 2, next_attempt_at: null });
    expect(await service.rows('SELECT FROM waiting_deliveries WHERE webhook_id = $1', [webhook.id])).toEqual([]);
    expect(requests).toHaveLength(2);
  });

  it('retries only what retry_on_status lists', async () => {
    const { origin } = await receiver(() => 500);
    const webhook = await webhookOf({ url: origin, retryPolicy: { retry_on_status: [418], initial_delay: 10 } });
    const teapot = await receiver((attempt) => (attempt === 1 ? 418 : 200));
    const other = await webhookOf({
      url: teapot.origin,
      retryPolicy: { retry_on_status: [418], initial_delay: 10 },
    });
    await publish();
    expect(await untilDelivery(webhook.id, ({ status }) => status !== 'pending')).toMatchObject({
      ...{ state: 'exhausted', attempts: 1 },
    });
    expect(await untilDelivery(other.id, ({ status }) => status !== 'pending')).toMatchObject({
      ...{ state: 'delivered', attempts: 2 },
    });
  });

  it.each([true, false])('after a timeout, retry_on_timeout decides: %s', async (retryOnTimeout) => {
    const { origin } = await receiver(() => 'hang');
    const webhook = await webhookOf({
      url: origin,
      timeoutMs: 150,
      retryPolicy: { retry_on_timeout: retryOnTimeout, initial_delay: 10, max_attempts: 2 },
    });
    await publish();
    expect(await untilDelivery(webhook.id, ({ status }) => status !== 'pending')).toMatchObject({
      ...{ state: 'exhausted', error_class: 'timeout', response_code: null, attempts: retryOnTimeout ? 2 : 1 },
    });
  });

  it('retries a connection that is broken off', async () => {
    const { origin } = await receiver((attempt) => (attempt === 1 ? 'close' : 200));
    const webhook = await webhookOf({ url: origin });
    await publish();
    const row = await untilDelivery(webhook.id, ({ status }) => status !== 'pending');
    expect(row).toMatchObject({ state: 'delivered', attempts: 2 });
    expect(await attemptsOf(row.id)).toMatchObject([{ error_class: 'connection_closed' }, { error_class: null }]);
  });

  it('waits for as long as Retry-After asks', async () => {
    const { origin, requests } = await receiver((attempt) =>
      attempt === 1 ? { status: 429, headers: { 'retry-after': '2' } } : 200,
    );
    const webhook = await webhookOf({ url: origin, retryPolicy: { initial_delay: 10 } });
    await publish();
    await untilDelivery(webhook.id, ({ status }) => status === 'success');
    expect(requests[1]!.atMs - requests[0]!.atMs).toBeGreaterThanOrEqual(2_000);
  });

  it('disables a webhook that answers 410, and cancels what waits for it', async () => {
    const { origin, requests, ...target } = await receiver(() => 503);
    const webhook = await webhookOf({ url: origin, retryPolicy: { initial_delay: 2_000 } });
    await publish({ event_id: 'waiting' });
    await untilDelivery(webhook.id, ({ state }) => state === 'retrying');
    target.answer(() => 410);
    await publish({ event_id: 'refused' });
    await waitFor('the webhook to be disabled', async () => {
      const rows = await service.rows<{ active: boolean }>('SELECT active FROM webhooks WHERE id = $1', [webhook.id]);
      return rows[0]?.active === false;
    });
    await waitFor('both deliveries to end', async () => {
      const rows = await service.rows<DeliveryRow>(
        `SELECT state FROM deliveries WHERE webhook_id = $1 AND status = 'failed'`,
        [webhook.id],
      );
      return rows.length === 2;
    });
    const states = await service.rows<DeliveryRow>('SELECT state FROM deliveries WHERE webhook_id = $1 ORDER BY id', [
      webhook.id,
    ]);
    expect(states.map(({ state }) => state)).toEqual(['cancelled', 'exhausted']);
    expect(requests).toHaveLength(2);
  });

  it('does not follow a redirect', async () => {
    const elsewhere = await receiver();
    const { origin } = await receiver(() => ({ status: 302, headers: { location: elsewhere.origin } }));
    const webhook = await webhookOf({ url: origin });
    await publish();
    expect(await untilDelivery(webhook.id, ({ status }) => status !== 'pending')).toMatchObject({
      ...{ state: 'exhausted', response_code: 302, attempts: 1 },
    });
    expect(elsewhere.requests).toHaveLength(0);
  });

  it('delivers numbers byte for byte', async () => {
    const { origin, requests, ...target } = await receiver();
    await webhookOf({ url: origin });
    const data =
      '{ "id": 9007199254740993123, "price": 1.0, "tiny": 1e-7, "text": "\\u0000 \\u00e9 é", "a": 1, "a": 2 }';
    await service.api
      .as(tenant.token)
      .post('/api/events')
      .set('content-type', 'application/json')
      .send(`{"event":"build.completed","data":${data}}`)
      .expect(202);
    await target.waitFor(1);
    expect(requests[0]!.raw.toString('utf8')).toContain(`"data":${data}}`);
  });

  it('holds a scheduled event back until its time', async () => {
    const { origin, requests, ...target } = await receiver();
    await webhookOf({ url: origin });
    const deliverAtMs = Date.now() + 1_500;
    await publish({ deliver_at: new Date(deliverAtMs).toISOString(), data: { build_id: 'later' } });
    await publish({ data: { build_id: 'now' } });
    await target.waitFor(2);
    expect(requests.map(({ body }) => body.data['build_id'])).toEqual(['now', 'later']);
    expect(requests[1]!.atMs).toBeGreaterThanOrEqual(deliverAtMs);
    expect(requests[1]!.atMs - deliverAtMs).toBeLessThan(3_000);
  });
});
