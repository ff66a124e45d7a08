import { formatId } from '#kernel/ids';
import { startService, type TestService } from '../support/apps-in-process';
import { describeEachBackend } from '../support/backends';
import { startReceiver, type Receiver } from '../support/receiver';
import { waitFor } from '../support/wait-for';

const HELD_PER_SECOND = 20;
const ALL_DELIVERED = JSON.stringify([{ state: 'delivered', count: '20' }]);

describeEachBackend('an inactive webhook', (backend) => {
  let service: TestService;
  let receiver: Receiver;

  beforeEach(async () => {
    service = await startService(backend, { dispatchers: 1, env: { HELD_PER_SECOND: String(HELD_PER_SECOND) } });
    receiver = await startReceiver();
  });
  afterEach(async () => {
    await receiver.stop();
    await service.stop();
  });

  async function makeWebhook(onInactive: 'drop' | 'hold'): Promise<string> {
    const webhook = await service.webhook({ url: receiver.origin });
    const path = `/api/webhooks/${formatId('webhook', webhook.id)}`;
    await service.api.as(service.tenant.token).put(path).send({ on_inactive: onInactive, active: false }).expect(200);
    return path;
  }

  const states = (): Promise<{ state: string; count: string }[]> =>
    service.rows('SELECT state, count(*) FROM deliveries GROUP BY state');

  it('that holds keeps its deliveries and lets them go, in order, once it is active again', async () => {
    const path = await makeWebhook('hold');
    for (let index = 1; index <= 20; index += 1) await service.publish({ event_id: `held-${index}` });
    await waitFor('all to be held', async () => (await states())[0]?.count === '20');
    expect(await states()).toEqual([{ state: 'held', count: '20' }]);
    expect(receiver.requests).toHaveLength(0);

    await service.api.as(service.tenant.token).put(path).send({ active: true }).expect(200);
    await receiver.waitFor(20);
    expect(
      receiver.requests
        .slice(0, 2)
        .map(({ headers }) => headers['webhook-id'])
        .sort(),
    ).toEqual(['held-1', 'held-2']);
    await waitFor('all to be recorded', async () => JSON.stringify(await states()) === ALL_DELIVERED);
    await service.publish({ event_id: 'after' });
    await receiver.waitFor(21);
  });

  it('that holds lets them go at a set pace and in order, and is as quick as ever afterwards', async () => {
    await service.addDispatcher({ HELD_PER_SECOND: String(HELD_PER_SECOND) });
    const path = await makeWebhook('hold');
    const names = Array.from({ length: 50 }, (_, index) => `held-${String(index + 1)}`);
    const events = names.map((name) => ({ event: 'build.completed', data: {}, event_id: name }));
    await service.api.as(service.tenant.token).post('/api/events/batch').send({ events }).expect(202);
    await waitFor('all to be held', async () => (await states())[0]?.count === '50');
    await service.api.as(service.tenant.token).put(path).send({ active: true }).expect(200);
    await receiver.waitFor(5);
    await service.publish({ event_id: 'after' });
    await receiver.waitFor(51, 20_000);
    await waitFor('all to be recorded', async () => (await service.rows('SELECT FROM attempts')).length === 51);

    const attempts = await service.rows<{ name: string; at: Date }>(
      `SELECT client_event_id AS name, started_at AS at FROM attempts JOIN deliveries d ON d.id = delivery_id
       JOIN events e ON e.id = event_id ORDER BY started_at`,
    );
    expect(attempts.map(({ name }) => name)).toEqual([...names, 'after']);
    const instants = attempts.map(({ at }) => at.getTime());
    for (const fromMs of instants) {
      const within = instants.filter((atMs) => atMs >= fromMs && atMs < fromMs + 1_000);
      expect(within.length).toBeLessThanOrEqual(HELD_PER_SECOND + 1);
    }

    const isDraining = (): Promise<unknown[]> => service.rows('SELECT FROM webhooks WHERE draining_since IS NOT NULL');
    await waitFor('the draining to end', async () => (await isDraining()).length === 0);
    await Promise.all(Array.from({ length: 40 }, () => service.publish()));
    await receiver.waitFor(91);
  });

  it('that drops gets nothing of what was published meanwhile', async () => {
    const path = await makeWebhook('drop');
    await service.publish({ event_id: 'dropped' });
    await waitFor(
      'the event to be fanned out',
      async () => (await service.rows('SELECT FROM event_batches')).length === 0,
    );
    await service.api.as(service.tenant.token).put(path).send({ active: true }).expect(200);
    await service.publish({ event_id: 'kept' });
    await receiver.waitFor(1);
    expect(receiver.requests.map(({ headers }) => headers['webhook-id'])).toEqual(['kept']);
    const event = await service.api.as(service.tenant.token).get('/api/events/dropped/explain').expect(200);
    expect(event.body).toMatchObject({ webhooks: [{ delivery_id: null, outcome: 'changed_later' }] });
  });
});
