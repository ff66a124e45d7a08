import { formatId } from '#kernel/ids';
import { startApp, type AppProcess } from '../support/apps-as-processes';
import { startService, type TestService } from '../support/apps-in-process';
import { describeEachBackend } from '../support/backends';
import { changeWebhook, type WebhookValues } from '../support/insert-webhook';
import { startReceiver, type ReceivedRequest, type Receiver, type Reply } from '../support/receiver';
import { waitFor } from '../support/wait-for';

const SOON = { max_attempts: 50, initial_delay: 50 };

interface Numbered {
  key: string;
  number: number;
}

function numberedOf(request: ReceivedRequest): Numbered {
  return request.body.data as unknown as Numbered;
}

/** By key the numbers in the order in which they were first asked for. */
function orders(requests: ReceivedRequest[]): Record<string, number[]> {
  const found: Record<string, number[]> = {};
  for (const request of requests) {
    const { key, number } = numberedOf(request);
    const numbers = (found[key] ??= []);
    if (!numbers.includes(number)) numbers.push(number);
  }
  return found;
}

function upTo(count: number): number[] {
  return Array.from({ length: count }, (_, index) => index + 1);
}

describeEachBackend('deliveries to an ordered webhook', (backend) => {
  let service: TestService;
  const receivers: Receiver[] = [];
  let dispatcher: AppProcess | null = null;

  afterEach(async () => {
    await Promise.all(receivers.splice(0).map((receiver) => receiver.stop()));
    if (dispatcher?.hasEnded() === false) await dispatcher.end('SIGKILL');
    dispatcher = null;
    await service.stop();
  });

  async function ordered(
    reply: (request: ReceivedRequest) => Reply = () => 200,
    more: Partial<WebhookValues> = {},
  ): Promise<{ receiver: Receiver; webhookId: string; path: string }> {
    const receiver = await startReceiver(reply);
    receivers.push(receiver);
    const webhook = await service.webhook({ url: receiver.origin, ordered: true, retryPolicy: SOON, ...more });
    return { receiver, webhookId: webhook.id, path: `/api/webhooks/${webhook.publicId}` };
  }

  const event = (key: string, number: number, more: object = {}): object => ({
    ...{ event: 'build.completed', data: { key, number }, ordering_key: key, event_id: `${key}-${String(number)}` },
    ...more,
  });
  async function publish(events: object[]): Promise<void> {
    const response = await service.api.as(service.tenant.token).post('/api/events/batch').send({ events }).expect(202);
    expect(response.body).toMatchObject({ rejected: 0 });
  }
  const left = async (): Promise<Record<string, number>> => {
    const [row] = await service.rows<Record<string, number>>(
      `SELECT (SELECT count(*) FROM deliveries WHERE status = 'pending')::integer AS pending,
         (SELECT count(*) FROM waiting_deliveries)::integer AS waiting, (SELECT count(*) FROM event_batches)::integer AS fan_outs,
         (SELECT count(*) FROM ordered_deliveries)::integer AS in_line, (SELECT count(*) FROM ordering_queues)::integer AS lines`,
    );
    return row!;
  };
  const NOTHING = { pending: 0, waiting: 0, fan_outs: 0, in_line: 0, lines: 0 };
  const untilNothingIsLeft = (): Promise<void> =>
    waitFor('nothing to be left', async () => JSON.stringify(await left()) === JSON.stringify(NOTHING), 30_000);
  const states = async (): Promise<Record<string, string>> =>
    Object.fromEntries(
      (
        await service.rows<{ name: string; state: string }>(
          `SELECT client_event_id AS name, state FROM deliveries JOIN events ON events.id = event_id WHERE original_delivery_id IS NULL`,
        )
      ).map(({ name, state }) => [name, state]),
    );

  it('go one after the other over two dispatchers, and only what is behind a failing one waits for it', async () => {
    service = await startService(backend, { dispatchers: 2 });
    let open = new Map<string, number>();
    let overlaps = 0;
    const { receiver } = await ordered((request) => {
      const { key, number } = numberedOf(request);
      if (open.has(key)) overlaps += 1;
      open.set(key, number);
      setTimeout(() => open.delete(key), 4);
      if (key === 'a' && number === 3 && request.attempt < 10) return { status: 500, delayMs: 5 };
      return { delayMs: 5 };
    });
    for (let from = 1; from <= 30; from += 10) {
      await publish(['a', 'b', 'c'].flatMap((key) => upTo(10).map((index) => event(key, from + index - 1))));
    }
    await untilNothingIsLeft();
    expect(orders(receiver.requests)).toEqual({ a: upTo(30), b: upTo(30), c: upTo(30) });
    expect(overlaps).toBe(0);
    const lastOf = (key: string): number =>
      receiver.requests.findLastIndex((request) => numberedOf(request).key === key);
    expect(lastOf('b')).toBeLessThan(lastOf('a'));
    open = new Map();
  });

  it('keep the order of commits with several publishers at once', async () => {
    service = await startService(backend, { dispatchers: 2 });
    const { receiver } = await ordered();
    // Each publisher waits for its 202 before the next, so that its events are committed in order, among those of others.
    const publishers = upTo(6).map(async (publisher) => {
      for (const number of upTo(15)) {
        await service.publish({
          data: { key: `p${String(publisher)}`, number },
          ordering_key: 'shared',
        });
      }
    });
    await Promise.all(publishers);
    await untilNothingIsLeft();
    expect(receiver.requests).toHaveLength(90);
    expect(orders(receiver.requests)).toEqual(
      Object.fromEntries(upTo(6).map((publisher) => [`p${String(publisher)}`, upTo(15)])),
    );
  });

  it('keep their order whatever fails, with many keys', async () => {
    service = await startService(backend, { dispatchers: 2 });
    const { receiver } = await ordered(() => {
      const fate = Math.random();
      if (fate < 0.1) return 500;
      return fate < 0.15 ? 'close' : { delayMs: Math.floor(Math.random() * 8) };
    });
    const plain = await ordered(() => 200, { ordered: false });
    const keys = upTo(25).map((index) => `key-${String(index)}`);
    const next = new Map(keys.map((key) => [key, 1]));
    for (let batch = 0; batch < 10; batch += 1) {
      const events = upTo(40).map(() => {
        const key = keys[Math.floor(Math.random() * keys.length)]!;
        const number = next.get(key)!;
        next.set(key, number + 1);
        return event(key, number, { priority: ['high', 'normal', 'low'][number % 3] });
      });
      await publish(events);
    }
    await untilNothingIsLeft();
    const expected = Object.fromEntries([...next].filter(([, n]) => n > 1).map(([key, n]) => [key, upTo(n - 1)]));
    expect(orders(receiver.requests)).toEqual(expected);
    expect(plain.receiver.requests).toHaveLength(400);
  });

  it('keep their order when the dispatcher is killed, and another goes on', async () => {
    service = await startService(backend, { dispatchers: 0 });
    const { receiver } = await ordered(() => ({ delayMs: 10 }));
    dispatcher = await startApp('dispatcher', service.databaseUrl, service.env);
    await dispatcher.untilReady();
    await publish(upTo(300).map((index) => event(index % 2 === 0 ? 'even' : 'odd', Math.ceil(index / 2))));
    await receiver.waitFor(20);
    await dispatcher.end('SIGKILL');
    expect(receiver.requests.length).toBeLessThan(300);
    await service.addDispatcher();
    await untilNothingIsLeft();
    expect(orders(receiver.requests)).toEqual({ even: upTo(150), odd: upTo(150) });
    // At most the one of each key that was under way came twice.
    expect(receiver.requests.length).toBeLessThanOrEqual(302);
  });

  it('pass one that is given up, with skip', async () => {
    service = await startService(backend);
    const { receiver } = await ordered((request) => (numberedOf(request).number === 2 ? 400 : 200));
    await publish(upTo(4).map((number) => event('a', number)));
    await untilNothingIsLeft();
    expect(orders(receiver.requests)).toEqual({ a: [1, 2, 3, 4] });
    expect(await states()).toEqual({ 'a-1': 'delivered', 'a-2': 'exhausted', 'a-3': 'delivered', 'a-4': 'delivered' });
  });

  describe('wait behind one that is given up, with wait,', () => {
    let receiver: Receiver;
    let path: string;
    let failing: boolean;

    beforeEach(async () => {
      service = await startService(backend);
      failing = true;
      ({ receiver, path } = await ordered((request) => (failing && numberedOf(request).number === 1 ? 400 : 200), {
        onExhausted: 'wait',
      }));
      await publish([event('a', 1), event('a', 2), event('b', 2), event('a', 3)]);
      await waitFor('the first to be given up', async () => (await states())['a-1'] === 'exhausted');
      await waitFor('the other key to go on', async () => (await states())['b-2'] === 'delivered');
      await publish([event('a', 4)]);
      await waitFor('the next to be in line', async () => (await states())['a-4'] === 'blocked');
      expect(await states()).toMatchObject({ 'a-2': 'blocked', 'a-3': 'blocked' });
    });

    const asTenant = (): ReturnType<TestService['api']['as']> => service.api.as(service.tenant.token);
    async function idsOf(query: string): Promise<string[]> {
      const list = await asTenant().get(`${path}/deliveries?${query}`).expect(200);
      return (list.body as { deliveries: { delivery_id: string }[] }).deliveries.map(
        (delivery) => delivery.delivery_id,
      );
    }
    async function redeliver(): Promise<void> {
      const [first] = await idsOf('status=failed');
      await asTenant().post(`${path}/deliveries/${first!}/redeliver`).expect(202);
    }

    it('until its event is redelivered with success', async () => {
      await redeliver();
      await receiver.waitFor((requests) => requests.length === 3);
      await waitFor(
        'nothing to be waiting',
        async () => (await left())['waiting'] === 0 && (await left())['pending'] === 3,
      );
      failing = false;
      await redeliver();
      await untilNothingIsLeft();
      expect(receiver.requests.slice(3).map((request) => numberedOf(request).number)).toEqual([1, 2, 3, 4]);
    });

    it('until it is skipped, which lets no other line go', async () => {
      await publish([event('d', 1), event('d', 2)]);
      await waitFor('another key to be given up', async () => (await states())['d-1'] === 'exhausted');
      const [ofD, ofA] = await idsOf('status=failed');
      const second = (
        await service.rows<{ id: string }>(
          `SELECT d.id FROM deliveries d JOIN events e ON e.id = event_id WHERE client_event_id = 'a-2'`,
        )
      )[0]!.id;
      const skipped = await asTenant().post(`${path}/deliveries/${ofA!}/skip`).expect(200);
      await waitFor('the line to go on', async () => (await states())['a-4'] === 'delivered');
      expect(skipped.body).toEqual({
        delivery_id: ofA,
        status: 'failed',
        skipped_at: expect.stringMatching(/^20.*Z$/) as string,
        next_delivery_id: formatId('del', second),
      });
      expect(await states()).toMatchObject({ 'a-1': 'exhausted', 'd-1': 'exhausted', 'd-2': 'blocked' });
      expect(orders(receiver.requests)['a']).toEqual([1, 2, 3, 4]);
      await asTenant().post(`${path}/deliveries/${ofD!}/skip`).expect(200);
      await untilNothingIsLeft();
    });

    it('and is refused a skip where no line waits behind the delivery', async () => {
      const refused = { status: 409, body: { code: 'holds_no_line' } };
      const skip = (id: string) => asTenant().post(`${path}/deliveries/${id}/skip`);
      const [ofA] = await idsOf('status=failed');
      const [delivered] = await idsOf('status=success');
      const [blocked] = await idsOf('status=pending');
      const test = await asTenant().post(`${path}/test`).send({}).expect(200);
      for (const id of [delivered!, blocked!, (test.body as { delivery_id: string }).delivery_id]) {
        expect(await skip(id)).toMatchObject(refused);
      }
      const answers = await Promise.all([skip(ofA!), skip(ofA!), skip(ofA!)]);
      expect(answers.map(({ status }) => status).toSorted()).toEqual([200, 409, 409]);
      await untilNothingIsLeft();
      expect(orders(receiver.requests)['a']).toEqual([1, 2, 3, 4]);
    });

    it('until the webhook no longer waits', async () => {
      await service.api.as(service.tenant.token).put(path).send({ on_exhausted: 'skip' }).expect(200);
      await untilNothingIsLeft();
      expect(orders(receiver.requests)['a']).toEqual([1, 2, 3, 4]);
    });

    it('until ordering is turned off', async () => {
      await service.api.as(service.tenant.token).put(path).send({ ordered: false }).expect(200);
      await untilNothingIsLeft();
      expect(orders(receiver.requests)['a']?.toSorted()).toEqual([1, 2, 3, 4]);
    });

    it('or are cancelled when the webhook is made inactive', async () => {
      await service.api.as(service.tenant.token).put(path).send({ active: false }).expect(200);
      await untilNothingIsLeft();
      expect(await states()).toMatchObject({ 'a-2': 'cancelled', 'a-3': 'cancelled', 'a-4': 'cancelled' });
    });

    it('which explain tells, naming the delivery', async () => {
      const list = await service.api.as(service.tenant.token).get(`${path}/deliveries?status=failed`).expect(200);
      const [first] = (list.body as { deliveries: { delivery_id: string }[] }).deliveries;
      const explained = await service.api.as(service.tenant.token).get('/api/events/a-3/explain').expect(200);
      expect(explained.body).toMatchObject({
        webhooks: [{ outcome: 'blocked', reason: expect.stringContaining(first!.delivery_id) as string }],
      });
    });
  });

  it('go on when what waits is cancelled and the webhook is active again at once', async () => {
    service = await startService(backend);
    const { receiver, path } = await ordered(() => 500, { retryPolicy: { max_attempts: 50, initial_delay: 60_000 } });
    await publish(upTo(3).map((number) => event('a', number)));
    await waitFor('the first to wait for its retry', async () => (await states())['a-1'] === 'retrying');
    receiver.answer(() => 200);
    const api = service.api.as(service.tenant.token);
    await api.put(path).send({ active: false }).expect(200);
    await api.put(path).send({ active: true }).expect(200);
    await untilNothingIsLeft();
    expect((await states())['a-1']).toBe('cancelled');
  });

  it('are held in order', async () => {
    service = await startService(backend, { dispatchers: 2 });
    const { receiver, path, webhookId } = await ordered();
    const api = service.api.as(service.tenant.token);
    await api.put(path).send({ on_inactive: 'hold', active: false }).expect(200);
    for (const number of upTo(10)) await publish([event('a', number)]);
    await waitFor('all to be in line', async () => (await left())['in_line'] === 10);
    expect(receiver.requests).toHaveLength(0);
    await changeWebhook(service.pool, webhookId, { active: true });
    await untilNothingIsLeft();
    expect(receiver.requests.map((request) => numberedOf(request).number)).toEqual(upTo(10));
  });

  it('take their place when they are due, if scheduled', async () => {
    service = await startService(backend);
    const { receiver } = await ordered();
    await publish([
      event('a', 3, { deliver_at: new Date(Date.now() + 1_500).toISOString() }),
      event('a', 1),
      event('a', 2),
    ]);
    await receiver.waitFor(3);
    await untilNothingIsLeft();
    expect(orders(receiver.requests)).toEqual({ a: [1, 2, 3] });
  });

  it('follow one another without waiting for the reconciler', async () => {
    service = await startService(backend);
    const { receiver } = await ordered();
    await publish(upTo(200).map((number) => event('a', number)));
    await receiver.waitFor(200, 20_000);
    expect(orders(receiver.requests)).toEqual({ a: upTo(200) });
  });
});
