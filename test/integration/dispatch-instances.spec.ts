import { FanOut } from '../../apps/dispatcher/src/fan-out/fan-out';
import { startService, type TestService } from '../support/apps-in-process';
import { describeEachBackend } from '../support/backends';
import { makeTenant } from '../support/factories';
import { changeWebhook } from '../support/insert-webhook';
import { startReceiver, TEST_SECRET, type ReceivedRequest, type Receiver, type Reply } from '../support/receiver';
import { waitFor } from '../support/wait-for';

describeEachBackend('two dispatchers', (backend) => {
  let service: TestService;
  const receivers: Receiver[] = [];

  beforeEach(async () => {
    service = await startService(backend, { dispatchers: 2 });
  });
  afterEach(async () => {
    await Promise.all(receivers.splice(0).map((receiver) => receiver.stop()));
    await service.stop();
  });

  async function receiver(reply?: (request: ReceivedRequest) => Reply, secret = TEST_SECRET): Promise<Receiver> {
    const started = await startReceiver(reply, secret);
    receivers.push(started);
    return started;
  }

  const untilNothingIsPending = (): Promise<void> =>
    waitFor('every delivery to end', async () => {
      const [left] = await service.rows<{ count: string }>(
        `SELECT (SELECT count(*) FROM deliveries WHERE status = 'pending') + (SELECT count(*) FROM event_batches) AS count`,
      );
      return left?.count === '0';
    });

  it('both deliver the very next event to a webhook made just before', async () => {
    // Each dispatcher knows the tenant's webhooks by now.
    const warm = await receiver();
    await service.webhook({ url: warm.origin });
    await Promise.all(Array.from({ length: 40 }, () => service.publish()));
    await warm.waitFor(40);
    for (let round = 1; round <= 10; round += 1) {
      const fresh = await receiver();
      const webhook = await service.webhook({ url: fresh.origin });
      const { event_id: eventId } = await service.publish();
      await fresh.waitFor(1);
      expect(fresh.requests.map(({ headers }) => headers['webhook-id'])).toEqual([eventId]);
      await changeWebhook(service.pool, webhook.id, { deleted: true });
    }
  });

  it('send the next attempt to the new URL of a webhook', async () => {
    const old = await receiver(() => 503);
    const next = await receiver();
    const webhook = await service.webhook({ url: old.origin, retryPolicy: { initial_delay: 1_500 } });
    await service.publish();
    await old.waitFor(1);
    await changeWebhook(service.pool, webhook.id, { url: next.origin });
    await next.waitFor(1);
    expect(next.requests[0]!.deliveryId).toBe(old.requests[0]!.deliveryId);
    expect(old.requests).toHaveLength(1);
  });

  it('cancel what waits for a webhook that is deleted', async () => {
    const target = await receiver(() => 503);
    const webhook = await service.webhook({ url: target.origin, retryPolicy: { initial_delay: 1_500 } });
    await service.publish();
    await target.waitFor(1);
    await changeWebhook(service.pool, webhook.id, { deleted: true });
    await untilNothingIsPending();
    const rows = await service.rows('SELECT status, state, attempts, next_attempt_at FROM deliveries');
    expect(rows).toEqual([{ status: 'failed', state: 'cancelled', attempts: 1, next_attempt_at: null }]);
    expect(target.requests).toHaveLength(1);
  });

  it('make each delivery once when they race over the same batches again and again', async () => {
    const target = await receiver();
    await service.webhook({ url: target.origin });
    await service.webhook({ url: `${target.origin}/second`, events: ['build.*'] });
    const fanOuts = service.dispatchers.map(({ app }) => app.get(FanOut));
    const published = await Promise.all(Array.from({ length: 30 }, () => service.publish()));
    const pending = await service.rows<{ id: string }>('SELECT id FROM event_batches');
    // Scheduled events stay on the list until they are due, so these are still to be done.
    await service.publish({ deliver_at: new Date(Date.now() + 300).toISOString() });
    const scheduled = await service.rows<{ id: string; due: boolean }>(
      'SELECT id, due_at <= now() AS due FROM event_batches WHERE due_at > now()',
    );
    await waitFor('the scheduled one to be due', async () => {
      const rows = await service.rows<{ due: boolean }>('SELECT now() >= $1::timestamptz AS due', [
        new Date(Date.now() - 300),
      ]);
      return rows[0]?.due === true;
    });
    const ids = [...pending, ...scheduled].map(({ id }) => id);
    await Promise.all(Array.from({ length: 5 }, () => fanOuts.map((fanOut) => fanOut.run(ids))).flat());
    await waitFor('the scheduled one to be fanned out', async () => {
      await Promise.all(fanOuts.map((fanOut) => fanOut.run(ids)));
      return (await service.rows('SELECT FROM event_batches')).length === 0;
    });
    await untilNothingIsPending();
    await Promise.all(fanOuts.map((fanOut) => fanOut.run(ids)));

    const [counts] = await service.rows<{ deliveries: string; delivered: string }>(
      `SELECT count(*) AS deliveries, count(*) FILTER (WHERE state = 'delivered') AS delivered FROM deliveries`,
    );
    expect(counts).toEqual({ deliveries: '62', delivered: '62' });
    expect(target.requests).toHaveLength(62);
    expect(new Set(target.requests.map(({ deliveryId }) => deliveryId)).size).toBe(62);
    expect(new Set(target.requests.map(({ headers }) => headers['webhook-id'])).size).toBe(published.length + 1);
    const created = `SELECT (SELECT coalesce(sum(created), 0) FROM stats_deltas) + (SELECT coalesce(sum(created), 0) FROM webhook_totals) AS count`;
    expect(await service.rows(created)).toEqual([{ count: '62' }]);
  });

  it('deliver the events of many tenants to their own webhooks only', async () => {
    const tenants = await Promise.all(
      Array.from({ length: 8 }, async (_, index) => {
        const tenant = await makeTenant(service.api, `Tenant ${index}`);
        const target = await receiver(undefined, `the secret of tenant ${index}`);
        await service.webhook({ tenant, url: target.origin, secret: `the secret of tenant ${index}` });
        return { tenant, target };
      }),
    );
    await Promise.all(
      tenants.flatMap(({ tenant }) =>
        Array.from({ length: 10 }, (_, index) =>
          service.publish({ event_id: `same_${index}`, data: { tenant: tenant.tenantId } }, tenant.token),
        ),
      ),
    );
    for (const { tenant, target } of tenants) {
      await target.waitFor(10);
      expect(target.forged).toBe(0);
      expect(target.requests.every(({ body }) => body.data['tenant'] === tenant.tenantId)).toBe(true);
    }
    await untilNothingIsPending();
    expect(tenants.map(({ target }) => target.requests.length)).toEqual(tenants.map(() => 10));
  });

  it('deliver only to webhooks of the event type and the project', async () => {
    const target = await receiver();
    for (const [path, values] of Object.entries({
      all: {},
      builds: { events: ['build.*'] },
      files: { events: ['file.created'] },
      mine: { events: ['build.completed'], projectId: 'proj_1' },
      other: { projectId: 'proj_2' },
    })) {
      await service.webhook({ url: `${target.origin}/${path}`, ...values });
    }
    await service.publish({ project_id: 'proj_1' });
    await untilNothingIsPending();
    expect(target.requests.map(({ path }) => path).sort()).toEqual(['/all', '/builds', '/mine']);
  });

  it('deliver a backlog that no lane can hold, each delivery once', async () => {
    const target = await receiver(() => ({ delayMs: 5 }));
    // A busy machine that answers late would have them sent again.
    const webhook = { timeoutMs: 30_000 };
    for (let index = 0; index < 20; index += 1) await service.webhook({ ...webhook, url: `${target.origin}/${index}` });
    const events = Array.from({ length: 400 }, (_, index) => ({ event: 'build.completed', data: { index } }));
    await service.api.as(service.tenant.token).post('/api/events/batch').send({ events }).expect(202);
    await target.waitFor(8_000, 50_000);
    await untilNothingIsPending();
    expect(target.requests).toHaveLength(8_000);
    expect(new Set(target.requests.map(({ deliveryId }) => deliveryId)).size).toBe(8_000);
  });
});
