import { once } from 'node:events';
import { connect, createServer, type Server, type Socket } from 'node:net';
import { startService, type TestService } from '../support/apps-in-process';
import { choosePort } from '../../apps/local/src/free-port';
import { POSTGRES_BACKEND } from '../support/backends';
import { startReceiver, type Receiver, type Reply } from '../support/receiver';
import { waitFor } from '../support/wait-for';

const MAX_ATTEMPTS = 10;
const DELIVERIES = 5;

// On one backend: the breaker lives in the database and in memory, whatever brings the signals.
describe('a webhook whose receiver is away', () => {
  let service: TestService;
  const receivers: Receiver[] = [];
  const sockets = new Set<Socket>();
  let entrance: Server | null = null;

  beforeEach(async () => {
    service = await startService(POSTGRES_BACKEND);
  });
  afterEach(async () => {
    await Promise.all(receivers.splice(0).map((receiver) => receiver.stop()));
    for (const socket of sockets) socket.destroy();
    entrance?.close();
    await service.stop();
  });

  async function receiver(): Promise<Receiver> {
    const started = await startReceiver();
    receivers.push(started);
    return started;
  }

  /** Begins to listen on a port, and leads whoever connects to the receiver. */
  async function openEntrance(port: number, to: Receiver): Promise<void> {
    entrance = createServer((client) => {
      const inside = connect(Number(new URL(to.origin).port), '127.0.0.1');
      for (const socket of [client, inside]) sockets.add(socket.on('error', () => undefined));
      client.pipe(inside).pipe(client);
    });
    entrance.listen(port, '127.0.0.1');
    await once(entrance, 'listening');
  }

  it('is only probed, burns no attempts, holds up no other, and gets everything once it is back', async () => {
    const port = await choosePort(0, '127.0.0.1');
    const [other, back] = [await receiver(), await receiver()];
    const away = await service.webhook({
      url: `http://127.0.0.1:${port}`,
      events: ['build.completed'],
      retryPolicy: { max_attempts: MAX_ATTEMPTS, initial_delay: 1_000 },
    });
    await service.webhook({ url: other.origin, events: ['*'] });
    const deliveries = (): Promise<{ state: string; attempts: number; probes: number }[]> =>
      service.rows('SELECT state, attempts, probes FROM deliveries WHERE webhook_id = $1 ORDER BY id', [away.id]);
    const untilSome = (state: string, wanted: number, deadlineMs: number): Promise<void> =>
      waitFor(
        `${wanted} deliveries to be ${state}`,
        async () => (await deliveries()).filter((delivery) => delivery.state === state).length >= wanted,
        deadlineMs,
      );
    const attemptsMade = async (): Promise<number[]> =>
      (await deliveries()).map(({ attempts, probes }) => attempts - probes);

    for (let count = 0; count < DELIVERIES; count += 1) await service.publish();
    // The one that found nobody once too often; the others wait as they are.
    await untilSome('throttled', 1, 12_000);
    const madeBefore = await attemptsMade();
    expect(madeBefore.reduce((sum, made) => sum + made)).toBeGreaterThanOrEqual(10);
    expect(Math.max(...madeBefore)).toBeLessThan(MAX_ATTEMPTS);
    await service.publish();
    await untilSome('throttled', 2, 1_000);

    for (let count = DELIVERIES + 2; count <= DELIVERIES + 6; count += 1) {
      const startedAtMs = performance.now();
      await service.publish({ event: 'build.failed' });
      await other.waitFor(count);
      expect(performance.now() - startedAtMs).toBeLessThan(1_000);
    }

    await openEntrance(port, back);
    // Not one attempt while it waited for the probe, which is due 10 s after the last.
    expect(await attemptsMade()).toEqual([...madeBefore, 0]);
    await untilSome('delivered', DELIVERIES + 1, 13_000);
    expect(back.requests).toHaveLength(DELIVERIES + 1);
    await waitFor(
      'its failing to be over',
      async () => (await service.rows('SELECT FROM webhook_health')).length === 0,
    );
  });
});

// The events themselves take the way of any other, which other tests go on both backends.
describe('operational events', () => {
  let service: TestService;
  const receivers: Receiver[] = [];

  beforeEach(async () => {
    service = await startService(POSTGRES_BACKEND);
  });
  afterEach(async () => {
    await Promise.all(receivers.splice(0).map((receiver) => receiver.stop()));
    await service.stop();
  });

  async function subscribe(events: string[], reply: () => Reply): Promise<Receiver & { id: string }> {
    const started = await startReceiver(reply);
    receivers.push(started);
    const { publicId } = await service.webhook({
      url: started.origin,
      events,
      retryPolicy: { max_attempts: 2, initial_delay: 100 },
    });
    return Object.assign(started, { id: publicId });
  }

  const untilNothingIsPending = (): Promise<void> =>
    waitFor('every delivery to end', async () => {
      const pending = `SELECT FROM deliveries WHERE status = 'pending' UNION ALL SELECT FROM event_batches`;
      return (await service.rows(pending)).length === 0;
    });
  const typesOf = ({ requests }: Receiver): string[] => requests.map(({ body }) => body.event);

  it('tell of a delivery that was given up those who subscribe to it, and of no delivery of their own', async () => {
    const failing = await subscribe(['build.completed'], () => 500);
    const everything = await subscribe(['*'], () => 200);
    const told = await subscribe(['delivery.exhausted'], () => 200);
    const failingToo = await subscribe(['delivery.exhausted'], () => 500);
    const { event_id: eventId } = await service.publish();
    await told.waitFor(1);
    await failingToo.waitFor(2);
    await untilNothingIsPending();
    expect(told.requests.map(({ body }) => [body.event, body.data])).toEqual([
      [
        'delivery.exhausted',
        {
          webhook_id: failing.id,
          delivery_id: failing.requests[0]!.deliveryId,
          event_id: eventId,
          event_type: 'build.completed',
          attempts: 2,
          last_error: expect.stringContaining('500') as string,
        },
      ],
    ]);
    expect(typesOf(everything)).toEqual(['build.completed']);
    expect(typesOf(failingToo)).toEqual(['delivery.exhausted', 'delivery.exhausted']);
    expect(await service.rows('SELECT type FROM events ORDER BY id')).toEqual([
      { type: 'build.completed' },
      { type: 'delivery.exhausted' },
    ]);
  });

  it('tell of a webhook that was disabled because its receiver answered 410', async () => {
    const gone = await subscribe(['build.completed'], () => 410);
    const everything = await subscribe(['*'], () => 200);
    const told = await subscribe(['webhook.disabled'], () => 200);
    await service.publish();
    await told.waitFor(1);
    await untilNothingIsPending();
    expect(told.requests.map(({ body }) => [body.event, body.data])).toEqual([
      [
        'webhook.disabled',
        { webhook_id: gone.id, reason: 'The receiver answered 410 Gone', last_error: 'HTTP 410: Gone' },
      ],
    ]);
    expect(typesOf(everything)).toEqual(['build.completed']);
    expect(gone.requests).toHaveLength(1);
  });
});
