import { Signals } from '#queues/signals';
import { startApp, type AppProcess } from '../support/apps-as-processes';
import { startService, type TestService } from '../support/apps-in-process';
import { describeEachBackend } from '../support/backends';
import { makeTenant } from '../support/factories';
import { insertEndpoint, QUICK_RETRY, readRun, type TestEndpoint } from '../support/insert-inbound';
import { startPlainReceiver, type PlainReceiver, type PlainRequest } from '../support/plain-receiver';
import { waitFor } from '../support/wait-for';

describeEachBackend('inbound actions go on', (backend) => {
  let service: TestService;
  let receiver: PlainReceiver;
  let processes: AppProcess[] = [];

  beforeEach(async () => {
    receiver = await startPlainReceiver();
  });

  afterEach(async () => {
    await receiver.stop();
    await Promise.all(processes.filter((app) => !app.hasEnded()).map((app) => app.end('SIGKILL')));
    processes = [];
    await service.stop();
  });

  const start = async (dispatchers: number, env: Record<string, string> = {}): Promise<void> => {
    service = await startService(backend, { dispatchers, env });
  };

  async function startDispatcherProcess(env: Record<string, string> = {}): Promise<AppProcess> {
    const app = await startApp('dispatcher', service.databaseUrl, { ...service.env, ...env });
    processes.push(app);
    await app.untilReady();
    return app;
  }

  const callback = (tenantId = service.tenant.tenantId, count = 1): Promise<TestEndpoint> =>
    insertEndpoint(
      service.pool,
      tenantId,
      Array.from({ length: count }, () => ({
        type: 'execute' as const,
        settings: { url: receiver.origin, timeout: 30 },
        retryPolicy: QUICK_RETRY,
      })),
    );

  const untilNothingWaits = (deadlineMs?: number): Promise<void> =>
    waitFor(
      'no run to wait',
      async () => (await service.rows('SELECT FROM waiting_inbound_actions')).length === 0,
      deadlineMs,
    );
  const statuses = async (runIds: string[]): Promise<string[]> =>
    (await Promise.all(runIds.map((runId) => readRun(service.pool, runId)))).map(({ status }) => status);
  const runOf = ({ body }: PlainRequest): string => (body as { metadata: { run_id: string } }).metadata.run_id;

  it('at once by a signal', async () => {
    await start(1);
    const signals = service.api.app.get(Signals);
    await signals.untilOpen();
    const { id: endpointId, accept } = await callback();
    const latencies: number[] = [];
    for (let count = 1; count <= 8; count += 1) {
      const { requestId } = await accept();
      const startedAt = performance.now();
      signals.inboundAccepted([{ id: requestId, tenantId: service.tenant.tenantId, endpointId }]);
      await receiver.waitFor(count);
      latencies.push(performance.now() - startedAt);
    }
    // A round without a signal comes every second only: half of these would take half a second.
    expect(latencies.sort((a, b) => a - b)[3]).toBeLessThan(300);
  });

  it('within 3 s when every signal is lost', async () => {
    await start(0);
    const { accept } = await callback();
    await accept();
    await backend.emptyQueues(service.databaseUrl, service.env);
    await service.addDispatcher();
    await receiver.waitFor(1, 3_000);
    await untilNothingWaits();
  });

  it('when their dispatcher is killed in the middle: each is done, by another, as the same run', async () => {
    await start(0);
    receiver.answer(() => ({ hang: true }));
    const victim = await startDispatcherProcess();
    const { accept } = await callback(undefined, 5);
    const { runIds } = await accept({ body: { a: 1 } });
    await receiver.waitFor(5);
    await victim.end('SIGKILL');
    receiver.answer(() => ({}));
    const killedAtMs = Date.now();
    await service.addDispatcher();
    await untilNothingWaits(15_000);
    expect(Date.now() - killedAtMs).toBeLessThan(15_000);
    expect(await statuses(runIds)).toEqual(Array<string>(5).fill('succeeded'));
    const seen = receiver.requests.map(runOf);
    expect(new Set(seen).size).toBe(5);
    expect(seen).toHaveLength(10);
  });

  it('when their dispatcher is told to stop: what it cannot finish another begins anew', async () => {
    await start(0, { STOP_DEADLINE_MS: '1000', INBOUND_COMMANDS: 'on' });
    receiver.answer(() => ({ hang: true }));
    const leaver = await startDispatcherProcess();
    const { accept } = await insertEndpoint(service.pool, service.tenant.tenantId, [
      { type: 'execute', settings: { url: receiver.origin, timeout: 30 } },
      { type: 'execute', settings: { command: 'sleep', arguments: [{ source: 'string', name: '2' }], timeout: 60 } },
    ]);
    const { runIds } = await accept();
    await receiver.waitFor(1);
    await waitFor('both to run', async () => (await statuses(runIds)).every((status) => status === 'running'));
    expect(await leaver.end('SIGTERM')).toBe(0);
    expect(await statuses(runIds)).toEqual(['waiting', 'waiting']);
    receiver.answer(() => ({}));
    await service.addDispatcher();
    await untilNothingWaits();
    const runs = await Promise.all(runIds.map((runId) => readRun(service.pool, runId)));
    // What was interrupted by us does not count as an attempt.
    expect(runs.map(({ status, attempts }) => ({ status, attempts }))).toEqual([
      { status: 'succeeded', attempts: 1 },
      { status: 'succeeded', attempts: 1 },
    ]);
  });

  it('by two dispatchers, each run once', async () => {
    await start(2);
    const endpoints = await Promise.all(Array.from({ length: 5 }, () => callback()));
    const accepted = await Promise.all(Array.from({ length: 200 }, (_, number) => endpoints[number % 5]!.accept()));
    await untilNothingWaits(30_000);
    expect(await statuses(accepted.flatMap(({ runIds }) => runIds))).toEqual(Array<string>(200).fill('succeeded'));
    const seen = receiver.requests.map(runOf);
    expect(new Set(seen).size).toBe(200);
    expect(seen).toHaveLength(200);
  });

  it('for one tenant while the actions of another all hang', async () => {
    await start(0, { INBOUND_MAX_IN_FLIGHT: '8' });
    const busy = await Promise.all(Array.from({ length: 10 }, () => callback(undefined, 10)));
    receiver.answer(() => ({ hang: true }));
    await Promise.all(busy.map(({ accept }) => accept()));
    await service.addDispatcher();
    await receiver.waitFor(8);
    const other = await startPlainReceiver();
    try {
      const tenant = await makeTenant(service.api, 'Other tenant');
      const { accept } = await insertEndpoint(service.pool, tenant.tenantId, [
        { type: 'execute', settings: { url: other.origin } },
      ]);
      await accept();
      await other.waitFor(1, 5_000);
    } finally {
      await other.stop();
    }
  });

  it('after a backlog, without one endpoint keeping the others waiting', async () => {
    await start(0, { INBOUND_MAX_IN_FLIGHT: '4' });
    const slow = await startPlainReceiver();
    const crowd = await insertEndpoint(service.pool, service.tenant.tenantId, [
      { type: 'execute', settings: { url: slow.origin } },
    ]);
    for (let count = 0; count < 60; count += 1) await crowd.accept();
    const { accept } = await callback();
    await accept();
    await service.addDispatcher();
    await receiver.waitFor(1);
    expect(slow.requests.length).toBeLessThan(40);
    await untilNothingWaits(20_000);
    await slow.stop();
  });
});
