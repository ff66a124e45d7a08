import { UNRECORDED_SHARE } from '../../apps/dispatcher/src/lanes/lanes';
import { Leases } from '../../apps/dispatcher/src/ownership/leases';
import { startApp, type AppProcess } from '../support/apps-as-processes';
import { startService, type TestService } from '../support/apps-in-process';
import { POSTGRES_BACKEND } from '../support/backends';
import { startReceiver, type Receiver } from '../support/receiver';
import { waitFor } from '../support/wait-for';

const PER_SECOND = 20;
const IN_FLIGHT = 2;

/** On their way requests come closer together while the machine is busy; two dispatchers at once would make it 40. */
const WITH_DELAYS = PER_SECOND * 1.25;

/** A receiver with a webhook that has limits, and what it saw. */
interface Limited {
  receiver: Receiver;
  /** Deliveries that came, each counted once. */
  deliveries(): number;
  /** The most requests that came, and the most attempts that began by the dispatchers' record, within any second. */
  mostInASecond(): Promise<{ came: number; began: number }>;
  /** The most requests that were open at once. */
  mostOpen(): number;
}

/** The most of these instants, in Unix ms, within any second. */
function densest(instants: number[]): number {
  return Math.max(...instants.map((fromMs) => instants.filter((at) => at >= fromMs && at < fromMs + 1_000).length));
}

async function expectPaced(limited: Limited): Promise<void> {
  const { came, began } = await limited.mostInASecond();
  expect(began).toBeLessThanOrEqual(PER_SECOND + 1);
  expect(came).toBeLessThanOrEqual(WITH_DELAYS);
}

// On one backend: limits are kept by leases in the database, whatever brings the signals.
describe('the limits of a webhook', () => {
  let service: TestService;
  const receivers: Receiver[] = [];
  let dispatcher: AppProcess | null = null;

  afterEach(async () => {
    await Promise.all(receivers.splice(0).map((receiver) => receiver.stop()));
    if (dispatcher?.hasEnded() === false) await dispatcher.end('SIGKILL');
    dispatcher = null;
    await service.stop();
  });

  async function limited(perSecond: number | null, inFlight: number | null, answerAfterMs: number): Promise<Limited> {
    let mostOpen = 0;
    const receiver: Receiver = await startReceiver(() => {
      mostOpen = Math.max(mostOpen, receiver.open);
      return { delayMs: answerAfterMs };
    });
    receivers.push(receiver);
    const webhook = await service.webhook({ url: receiver.origin });
    await service.rows(
      `WITH limited AS (
         UPDATE webhooks SET rate_limit = $2, max_in_flight = $3, version = version + 1 WHERE id = $1 RETURNING tenant_id)
       UPDATE tenants SET webhooks_version = webhooks_version + 1, changed_at = now()
       WHERE id IN (SELECT tenant_id FROM limited)`,
      [webhook.id, perSecond, inFlight],
    );
    return {
      receiver,
      deliveries: () => new Set(receiver.requests.map(({ deliveryId }) => deliveryId)).size,
      async mostInASecond() {
        const attempts = await service.rows<{ started_at: Date }>(
          'SELECT started_at FROM attempts JOIN deliveries ON deliveries.id = delivery_id WHERE webhook_id = $1',
          [webhook.id],
        );
        return {
          came: densest(receiver.requests.map(({ atMs }) => atMs)),
          began: densest(attempts.map((attempt) => attempt.started_at.getTime())),
        };
      },
      mostOpen: () => mostOpen,
    };
  }

  /** In batches of ten, so that every dispatcher gets some. */
  async function publish(count: number): Promise<void> {
    const events = Array.from({ length: 10 }, (_, number) => ({ event: 'build.completed', data: { number } }));
    const batches = Array.from({ length: count / 10 }, () =>
      service.api.as(service.tenant.token).post('/api/events/batch').send({ events }).expect(202),
    );
    await Promise.all(batches);
  }

  const holders = (): Promise<{ pid: number }[]> =>
    service.rows('SELECT DISTINCT pid FROM webhook_leases JOIN dispatchers ON dispatchers.id = owner');

  it('hold while two dispatchers work off a backlog, and all of it arrives', async () => {
    service = await startService(POSTGRES_BACKEND, { dispatchers: 2 });
    const paced = await limited(PER_SECOND, null, 0);
    const narrow = await limited(null, IN_FLIGHT, 100);
    await publish(150);
    await waitFor('everything to arrive', () => paced.deliveries() + narrow.deliveries() === 300, 25_000);
    expect(paced.receiver.requests).toHaveLength(150);
    expect(narrow.receiver.requests).toHaveLength(150);
    await expectPaced(paced);
    expect(narrow.mostOpen()).toBe(IN_FLIGHT);
  });

  it('hold when the dispatcher that keeps them is killed, and nothing is lost', async () => {
    service = await startService(POSTGRES_BACKEND, { dispatchers: 0 });
    const paced = await limited(PER_SECOND, null, 0);
    const narrow = await limited(null, IN_FLIGHT, 100);
    dispatcher = await startApp('dispatcher', service.databaseUrl, service.env);
    await dispatcher.untilReady();
    await publish(100);
    await waitFor('deliveries to both', () => paced.deliveries() >= 10 && narrow.deliveries() >= 10);
    await service.addDispatcher();
    expect(await holders()).toEqual([{ pid: dispatcher.pid }]);
    await dispatcher.end('SIGKILL');
    expect(paced.deliveries() + narrow.deliveries()).toBeLessThan(200);
    await waitFor('everything to arrive', () => paced.deliveries() + narrow.deliveries() === 200, 25_000);
    expect(await holders()).toEqual([{ pid: process.pid }]);
    await expectPaced(paced);
    expect(narrow.mostOpen()).toBe(IN_FLIGHT);
    // Repeated is at most what was under way, or answered and not recorded.
    expect(narrow.receiver.requests.length).toBeLessThanOrEqual(100 + IN_FLIGHT * UNRECORDED_SHARE);
  });

  it('stay with one dispatcher when a lease is wanted again just while it is given back', async () => {
    service = await startService(POSTGRES_BACKEND);
    const { receiver } = await limited(PER_SECOND, null, 0);
    await publish(10);
    await receiver.waitFor(10);
    const [webhook] = await service.rows<{ id: string }>('SELECT id FROM webhooks');
    const leases = service.dispatchers[0]!.app.get(Leases);
    const client = await service.pool.connect();
    let released: Promise<void>;
    let held: Promise<Set<string>>;
    try {
      await client.query('BEGIN');
      await client.query('SELECT FROM webhook_leases FOR UPDATE');
      const muchLater = performance.now() + 3_600_000;
      const clock = jest.spyOn(performance, 'now').mockReturnValue(muchLater);
      released = leases.releaseIdle(() => false);
      clock.mockRestore();
      held = leases.hold([webhook!.id]);
      await waitFor('the release to wait for the lock', async () => {
        const waiting = `SELECT FROM pg_stat_activity WHERE wait_event_type = 'Lock' AND datname = current_database()`;
        return (await service.rows(waiting)).length > 0;
      });
      await Promise.race([held, service.rows('SELECT pg_sleep(0.2)')]); // time to say yes too early
    } finally {
      await client.query('ROLLBACK');
      client.release();
    }
    await released;
    expect([...(await held)]).toEqual([webhook!.id]);
    expect(await holders()).toEqual([{ pid: process.pid }]);
  });
});
