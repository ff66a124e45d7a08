import { connect } from 'node:net';
import type { Test } from 'supertest';
import { Recorder } from '../../apps/dispatcher/src/record/recorder';
import type { DeliveryWork } from '../../apps/dispatcher/src/lanes/delivery-work';
import { UNRECORDED_SHARE } from '../../apps/dispatcher/src/lanes/lanes';
import { WebhookDirectory } from '../../apps/dispatcher/src/webhooks/webhook-directory';
import { Orphans } from '../../apps/dispatcher/src/reconcile/orphans';
import { Claims } from '../../apps/dispatcher/src/retry/claims';
import { startApp, type AppProcess } from '../support/apps-as-processes';
import { startService, type TestService } from '../support/apps-in-process';
import { DEAD_AFTER_MS } from '../../apps/dispatcher/src/ownership/dispatcher-identity';
import { describeEachBackend } from '../support/backends';
import { startReceiver, type ReceivedRequest, type Receiver, type Reply } from '../support/receiver';
import { startTcpProxy, type TcpProxy } from '../support/tcp-proxy';
import { waitFor } from '../support/wait-for';

describeEachBackend('recovery', (backend) => {
  let service: TestService;
  let processes: AppProcess[] = [];
  let receiver: Receiver;
  let proxies: TcpProxy[] = [];

  afterEach(async () => {
    await receiver.stop();
    await Promise.all(processes.filter((app) => !app.hasEnded()).map((app) => app.end('SIGKILL')));
    processes = [];
    await service.stop();
    await Promise.all(proxies.map((proxy) => proxy.stop()));
    proxies = [];
  });

  async function start(
    options: { dispatchers?: number; env?: Record<string, string> },
    reply?: (request: ReceivedRequest) => Reply,
  ): Promise<void> {
    receiver = await startReceiver(reply);
    service = await startService(backend, options);
  }

  async function startDispatcherProcess(databaseUrl = service.databaseUrl, env = {}): Promise<AppProcess> {
    const app = await startApp('dispatcher', databaseUrl, { ...service.env, ...env });
    processes.push(app);
    await app.untilReady();
    return app;
  }

  async function proxyTo(url: string): Promise<TcpProxy> {
    const proxy = await startTcpProxy(url);
    proxies.push(proxy);
    return proxy;
  }

  function publishMany(count: number): Test {
    const events = Array.from({ length: count }, (_, number) => ({ event: 'build.completed', data: { number } }));
    return service.api.as(service.tenant.token).post('/api/events/batch').send({ events });
  }

  async function publishBatch(count: number): Promise<void> {
    await publishMany(count).expect(202);
  }

  const numberOf = ({ body }: ReceivedRequest): number => Number(body.data['number']);
  const distinct = (): number => new Set(receiver.requests.map(numberOf)).size;
  const pending = async (): Promise<number> => {
    const [row] = await service.rows<{ count: string }>(
      `SELECT (SELECT count(*) FROM deliveries WHERE status = 'pending') + (SELECT count(*) FROM event_batches) AS count`,
    );
    return Number(row?.count);
  };
  const untilNothingIsPending = (deadlineMs?: number): Promise<void> =>
    waitFor('every delivery to end', async () => (await pending()) === 0, deadlineMs);

  it('delivers within 3 s when every signal is lost', async () => {
    await start({ dispatchers: 0 });
    await service.webhook({ url: receiver.origin });
    for (let number = 0; number < 5; number += 1) await service.publish({ data: { number } });
    await backend.emptyQueues(service.databaseUrl, service.env);
    await service.addDispatcher();
    await receiver.waitFor(5, 3_000);
    // And when the queue is emptied while it works.
    for (let round = 6; round <= 10; round += 1) {
      const publishing = service.publish({ data: { number: round } });
      await backend.emptyQueues(service.databaseUrl, service.env);
      await publishing;
      await receiver.waitFor(round, 3_000);
    }
  });

  it('retries on time within a second when the wake-ups are lost', async () => {
    await start({ dispatchers: 1 }, ({ attempt }) => (attempt === 1 ? 500 : 200));
    await service.webhook({ url: receiver.origin, retryPolicy: { initial_delay: 1_000 } });
    await service.publish();
    await receiver.waitFor(1);
    await waitFor(
      'the retry to be planned',
      async () => (await service.rows('SELECT FROM waiting_deliveries')).length === 1,
    );
    await backend.emptyQueues(service.databaseUrl, service.env);
    await receiver.waitFor(2, 4_000);
  });

  it('works on after the queues were emptied', async () => {
    await start({ dispatchers: 1 });
    await service.webhook({ url: receiver.origin });
    await service.publish();
    await receiver.waitFor(1);
    await backend.emptyQueues(service.databaseUrl, service.env);
    const startedAtMs = Date.now();
    for (let count = 2; count <= 6; count += 1) {
      await service.publish();
      await receiver.waitFor(count);
    }
    // By signals again, not by the reconciler's rounds.
    expect(Date.now() - startedAtMs).toBeLessThan(2_000);
  });

  it('takes over at once from a process of the same machine that has ended, also as a newcomer', async () => {
    await start({ dispatchers: 0 }, () => ({ delayMs: 60_000 }));
    const victim = await startDispatcherProcess();
    await service.webhook({ url: receiver.origin, timeoutMs: 30_000 });
    await service.publish();
    await receiver.waitFor(1);
    await victim.end('SIGKILL');
    receiver.answer(() => 200);
    const newcomer = await service.addDispatcher();
    const startedAt = performance.now();
    await receiver.waitFor(2);
    // By the heartbeat it would be 10 s, and 10 s more of a newcomer's own life.
    expect(performance.now() - startedAt).toBeLessThan(DEAD_AFTER_MS);
    await untilNothingIsPending();
    await newcomer.stop();
  });

  it('takes over within 15 s what a killed dispatcher held, and repeats no more than was in flight', async () => {
    const webhooks = 4;
    const perWebhook = 8;
    await start({ dispatchers: 0, env: { WEBHOOK_MAX_IN_FLIGHT: String(perWebhook) } }, () => ({ delayMs: 300 }));
    const dispatchers = [await startDispatcherProcess(), await startDispatcherProcess()];
    for (let index = 0; index < webhooks; index += 1) {
      await service.webhook({ url: `${receiver.origin}/${index}`, timeoutMs: 20_000 });
    }
    await publishBatch(300);
    await receiver.waitFor(100);
    const [holder] = await service.rows<{ pid: number; held: string }>(
      `SELECT pid, count(*) AS held FROM deliveries JOIN dispatchers ON dispatchers.id = owner
       GROUP BY pid ORDER BY held DESC LIMIT 1`,
    );
    const victim = dispatchers.find(({ pid }) => pid === holder?.pid)!;
    // In flight and in lanes.
    expect(Number(holder?.held)).toBeGreaterThan(webhooks * perWebhook);
    expect(await victim.end('SIGKILL')).toBe('SIGKILL');
    receiver.answer(() => 200);
    await waitFor(
      'the other one to take over',
      async () => (await service.rows('SELECT FROM dispatchers')).length === 1,
      15_000,
    );
    await untilNothingIsPending();
    const delivered = new Set(receiver.requests.map(({ deliveryId }) => deliveryId)).size;
    expect(delivered).toBe(1_200);
    // A request counts as in flight until its outcome is committed.
    expect(receiver.requests.length - delivered).toBeLessThanOrEqual(webhooks * perWebhook * UNRECORDED_SHARE);
    expect(await service.rows(`SELECT FROM deliveries WHERE state <> 'delivered' OR owner IS NOT NULL`)).toEqual([]);
  });

  it('does not record an outcome under an old epoch or for another owner', async () => {
    await start({ dispatchers: 1 }, () => ({ delayMs: 3_000 }));
    const webhook = await service.webhook({ url: receiver.origin });
    await service.publish();
    await waitFor('it to have a row', async () => (await service.rows('SELECT FROM deliveries')).length === 1);
    const [row] = await service.rows<{ id: string; owner: string; epoch: number; event_id: string; tenant_id: string }>(
      'SELECT * FROM deliveries',
    );
    const work = (owner: string, epoch: number): DeliveryWork => ({
      ...{
        id: row!.id,
        owner,
        epoch,
        tenantId: row!.tenant_id,
        webhookId: webhook.id,
        attempts: 0,
        probes: 0,
        batch: null,
        keyHash: null,
      },
      event: {
        ...{ id: row!.event_id, tenantId: row!.tenant_id, projectId: null, type: 'build.completed', priority: 0 },
        ...{ clientEventId: null, occurredAtMs: Date.now(), version: '1', data: Buffer.from('{}') },
      },
    });
    const recorder = service.dispatchers[0]!.app.get(Recorder);
    const cancelled = (of: DeliveryWork): Promise<boolean> =>
      recorder.record({ work: of, state: 'cancelled', attempt: null, isProbe: false, dueAtMs: null });
    expect(await cancelled(work(row!.owner, row!.epoch - 1))).toBe(false);
    expect(await cancelled(work(row!.tenant_id, row!.epoch))).toBe(false);
    await untilNothingIsPending();
    expect(await cancelled(work(row!.owner, row!.epoch))).toBe(false);
    expect(await service.rows('SELECT state, attempts FROM deliveries')).toEqual([{ state: 'delivered', attempts: 1 }]);
    expect(await service.rows('SELECT FROM attempts')).toHaveLength(1);
  });

  it('hands everything back when it is stopped under load: nothing lost, nothing twice', async () => {
    await start({ dispatchers: 0 }, () => ({ delayMs: 20 }));
    for (let index = 0; index < 10; index += 1) await service.webhook({ url: `${receiver.origin}/${index}` });
    let running = await startDispatcherProcess();
    await publishBatch(300);
    for (let round = 1; round <= 3; round += 1) {
      await receiver.waitFor(round * 600);
      const next = await startDispatcherProcess();
      const status = await running.end('SIGTERM');
      if (status !== 0) throw new Error(`ended with ${status}:\n${running.output()}`);
      running = next;
    }
    await untilNothingIsPending(20_000);
    expect(receiver.requests).toHaveLength(3_000);
    expect(new Set(receiver.requests.map(({ deliveryId }) => deliveryId)).size).toBe(3_000);
    expect(await service.rows('SELECT FROM dispatchers')).toHaveLength(1);
  });

  it('hands back what a claim brings while it is stopping', async () => {
    await start({ dispatchers: 1 }, () => 503);
    const webhook = await service.webhook({ url: receiver.origin, retryPolicy: { initial_delay: 1_000 } });
    await service.publish();
    const waiting = 'SELECT FROM waiting_deliveries';
    await waitFor('the retry to be planned', async () => (await service.rows(waiting)).length === 1);
    const { app } = service.dispatchers[0]!;
    const client = await service.pool.connect();
    try {
      await client.query('BEGIN');
      await client.query('UPDATE waiting_deliveries SET due_at = now()');
      await client.query('COMMIT');
      await client.query('BEGIN');
      await client.query('LOCK TABLE deliveries IN ACCESS EXCLUSIVE MODE');
      const [row] = await service.rows<{ tenant_id: string }>('SELECT tenant_id FROM webhooks');
      app.get(Claims).wantMore({ tenantId: row!.tenant_id, webhookId: webhook.id });
      await waitFor('the claim to wait for the lock', async () => {
        const blocked = await service.rows(
          `SELECT FROM pg_stat_activity WHERE wait_event_type = 'Lock' AND datname = current_database()`,
        );
        return blocked.length > 0;
      });
      const stopped = service.dispatchers.splice(0)[0]!.stop();
      await client.query('ROLLBACK');
      await stopped;
    } finally {
      client.release();
    }
    expect(await service.rows('SELECT FROM deliveries WHERE owner IS NOT NULL')).toEqual([]);
    expect(await service.rows(waiting)).toHaveLength(1);
  });

  it('does not take for left over what is only slow on its way into a lane', async () => {
    await start({ dispatchers: 1 }, () => 503);
    await service.webhook({ url: receiver.origin, retryPolicy: { initial_delay: 1_000 } });
    const { app } = service.dispatchers[0]!;
    await service.publish();
    await receiver.waitFor(1);
    receiver.answer(() => 200);
    const directory = app.get(WebhookDirectory);
    const ofTenant = directory.ofTenant.bind(directory);
    let isBusy = true;
    // The claim of the retry is committed; then the machine has no time to go on.
    jest.spyOn(directory, 'ofTenant').mockImplementation(async (...given) => {
      await waitFor('the machine to have time', () => !isBusy, 20_000);
      return ofTenant(...given);
    });
    // The reconciler, which asks for changed webhooks before it claims, has its time.
    jest.spyOn(directory, 'refresh').mockResolvedValue();
    const claimed = `SELECT FROM deliveries WHERE owner IS NOT NULL AND attempts = 1`;
    await waitFor('the claim', async () => (await service.rows(claimed)).length === 1);
    let isOver = false;
    const released = app
      .get(Orphans)
      .release(new AbortController().signal)
      .finally(() => (isOver = true));
    await expect(waitFor('it to be let go', () => isOver, 1_500)).rejects.toThrow();
    isBusy = false;
    await released;
    await receiver.waitFor(2);
    await untilNothingIsPending();
    expect(receiver.requests).toHaveLength(2);
    // Taken by the fan-out, and once for the retry.
    expect(await service.rows('SELECT epoch FROM deliveries')).toEqual([{ epoch: 2 }]);
  });

  it('accepts and delivers while the database connections break again and again', async () => {
    await start({ dispatchers: 0 }, () => ({ delayMs: 5 }));
    const app = await startDispatcherProcess();
    await service.webhook({ url: receiver.origin });
    let accepted = 0;
    for (let round = 0; round < 5; round += 1) {
      const { status } = await publishMany(100); // one that met the break is answered with 503
      if (status === 202) accepted += 100;
      await service.rows(
        `SELECT pg_terminate_backend(pid) FROM pg_stat_activity
         WHERE datname = current_database() AND pid <> pg_backend_pid() AND application_name LIKE 'webhooks%'`,
      );
    }
    expect(accepted).toBeGreaterThan(0);
    await untilNothingIsPending(25_000);
    expect(app.hasEnded()).toBe(false);
    const [row] = await service.rows<{ events: number; delivered: number }>(
      `SELECT (SELECT count(*) FROM events)::integer AS events,
         (SELECT count(*) FROM deliveries WHERE state = 'delivered')::integer AS delivered`,
    );
    expect(row?.delivered).toBe(row?.events);
    // What was answered with 503 may have been stored all the same.
    expect(row?.events).toBeGreaterThanOrEqual(accepted);
  });

  it('survives that its connection breaks in the middle of a transaction', async () => {
    await start({ dispatchers: 0 });
    const app = await startDispatcherProcess();
    await service.webhook({ url: receiver.origin });
    const client = await service.pool.connect();
    try {
      await client.query('BEGIN');
      await client.query('LOCK TABLE stats_deltas IN ACCESS EXCLUSIVE MODE');
      await waitFor('the fold to wait for the lock', async () => {
        const waiting = await service.rows(
          `SELECT FROM pg_stat_activity WHERE wait_event_type = 'Lock' AND query LIKE '%stats_deltas%' AND datname = current_database()`,
        );
        return waiting.length > 0;
      });
      await service.rows(
        `SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE wait_event_type = 'Lock' AND datname = current_database()`,
      );
    } finally {
      await client.query('ROLLBACK');
      client.release();
    }
    await service.publish();
    await receiver.waitFor(1).catch((error: unknown) => {
      throw new Error(`${String(error)}\n${app.output()}`);
    });
    expect(app.hasEnded()).toBe(false);
  });

  it('answers 503 with Retry-After while the database is away, and recovers by itself', async () => {
    await start({ dispatchers: 0 }, () => ({ delayMs: 100 }));
    const proxy = await proxyTo(service.databaseUrl);
    const dispatcher = await startDispatcherProcess(proxy.url);
    const api = await startApp('api', proxy.url, service.env);
    processes.push(api);
    await api.untilReady();
    const publish = (number: number): Promise<Response> =>
      fetch(`${api.url}/api/events`, {
        method: 'POST',
        headers: { authorization: `Bearer ${service.tenant.token}`, 'content-type': 'application/json' },
        body: JSON.stringify({ event: 'build.completed', data: { number } }),
      });
    await service.webhook({ url: receiver.origin });
    const accepted = await Promise.all(Array.from({ length: 200 }, (_, number) => publish(number)));
    expect(accepted.map(({ status }) => status)).toEqual(accepted.map(() => 202));
    await receiver.waitFor(10);

    proxy.cut(); // with deliveries in flight and in lanes
    const refused = await publish(1_000);
    expect(refused.status).toBe(503);
    expect(Number(refused.headers.get('retry-after'))).toBeGreaterThan(0);
    expect(await refused.json()).toMatchObject({ statusCode: 503, message: expect.any(String) as string });
    await waitFor('both apps to say so', async () => {
      const said = await Promise.all([api.readiness(), dispatcher.readiness()]);
      return said.every((readiness) => readiness?.status === 'unavailable');
    });
    await waitFor('the outage to outlast what a dispatcher may send without a heartbeat', () => receiver.open === 0);
    proxy.restore();

    await api.untilReady();
    await dispatcher.untilReady();
    expect((await publish(2_000)).status).toBe(202);
    await untilNothingIsPending(25_000);
    expect(dispatcher.hasEnded()).toBe(false);
    expect(receiver.requests.map(numberOf)).toContain(2_000);
    expect(receiver.requests.map(numberOf)).not.toContain(1_000);
    expect(distinct()).toBe(201);
  });

  const { redisUrl } = backend;
  if (redisUrl !== null) {
    it('accepts, delivers and stops in order while Redis is away', async () => {
      const proxy = await proxyTo(redisUrl);
      await start({ dispatchers: 0, env: { REDIS_URL: proxy.url } });
      const dispatcher = await startDispatcherProcess();
      await service.webhook({ url: receiver.origin });
      await service.publish();
      await receiver.waitFor(1);
      proxy.cut();
      for (let count = 2; count <= 4; count += 1) {
        const startedAtMs = performance.now();
        await service.publish();
        expect(performance.now() - startedAtMs).toBeLessThan(1_000);
        await receiver.waitFor(count, 4_000);
      }
      expect(await dispatcher.readiness()).toMatchObject({
        status: 'degraded',
        checks: { queue: expect.any(String) as string },
      });
      proxy.restore();
      await waitFor('the queue to answer again', async () => (await dispatcher.readiness())?.status === 'ok');
      await service.publish();
      await receiver.waitFor(5, 4_000);
      proxy.cut();
      const startedAtMs = performance.now();
      expect(await dispatcher.end('SIGTERM')).toBe(0);
      expect(performance.now() - startedAtMs).toBeLessThan(5_000);
    });
  }

  it('stops listening and ends with status 0 at SIGTERM on an idle service', async () => {
    await start({ dispatchers: 0 });
    const dispatcher = await startDispatcherProcess();
    const startedAtMs = performance.now();
    expect(await dispatcher.end('SIGTERM')).toBe(0);
    expect(performance.now() - startedAtMs).toBeLessThan(3_000);
    await expect(
      new Promise((resolve, reject) =>
        connect(Number(new URL(dispatcher.url).port), '127.0.0.1')
          .on('connect', resolve)
          .on('error', reject),
      ),
    ).rejects.toThrow('ECONNREFUSED');
  });
});
