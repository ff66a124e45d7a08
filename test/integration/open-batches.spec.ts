import { newUuid } from '#kernel/ids';
import { releaseOwnerless } from '../../apps/dispatcher/src/reconcile/reconcile.queries';
import { startService, type TestService } from '../support/apps-in-process';
import { describeEachBackend } from '../support/backends';
import { startReceiver, type Receiver } from '../support/receiver';
import { waitFor } from '../support/wait-for';

// Deliveries that are sent before they have rows; see apps/dispatcher/src/batches/open-batches.ts.
describeEachBackend('deliveries without rows', (backend) => {
  let service: TestService;
  let receiver: Receiver;

  beforeEach(async () => {
    receiver = await startReceiver();
    service = await startService(backend, { dispatchers: 0 });
  });
  afterEach(async () => {
    await receiver.stop();
    await service.stop();
  });

  const states = async (): Promise<string[]> =>
    (await service.rows<{ state: string }>('SELECT state FROM deliveries ORDER BY webhook_id')).map(
      ({ state }) => state,
    );
  const openBatches = (): Promise<{ owner: string | null }[]> => service.rows('SELECT owner FROM event_batches');
  const untilAll = (state: string, count: number): Promise<void> =>
    waitFor(
      `${String(count)} to be ${state}`,
      async () => (await states()).join() === Array(count).fill(state).join() && (await openBatches()).length === 0,
    );

  it('are written once, as they ended, and counted once', async () => {
    await service.addDispatcher();
    const webhook = await service.webhook({ url: receiver.origin });
    await service.publish();
    await untilAll('delivered', 1);
    const [row] = await service.rows('SELECT owner, epoch, attempts, status FROM deliveries');
    expect(row).toEqual({ owner: null, epoch: 1, attempts: 1, status: 'success' });
    expect(await service.rows('SELECT number, status_code FROM attempts')).toEqual([{ number: 1, status_code: 200 }]);
    const response = await service.api
      .as(service.tenant.token)
      .get(`/api/webhooks/${webhook.publicId}/deliveries`)
      .expect(200);
    expect(response.body).toMatchObject({ total: 1, deliveries: [{ status: 'success', attempts: 1 }] });
  });

  it('get a row when they take long, and end in it', async () => {
    receiver.answer(() => ({ delayMs: 2_500 }));
    await service.addDispatcher();
    await service.webhook({ url: `${receiver.origin}/1` });
    await service.webhook({ url: `${receiver.origin}/2` });
    await service.publish();
    await untilAll('in_flight', 2);
    await untilAll('delivered', 2);
    expect(receiver.requests).toHaveLength(2);
  });

  it('get a row when their first attempt fails, and are tried again', async () => {
    receiver.answer(({ attempt }) => (attempt === 1 ? 503 : 200));
    await service.addDispatcher();
    await service.webhook({ url: receiver.origin, retryPolicy: { initial_delay: 50 } });
    await service.publish();
    await untilAll('delivered', 1);
    expect(await service.rows('SELECT status_code FROM attempts ORDER BY number')).toEqual([
      { status_code: 503 },
      { status_code: 200 },
    ]);
  });

  it('are begun anew when their dispatcher is gone, without those that were recorded', async () => {
    await service.webhook({ url: `${receiver.origin}/recorded` });
    await service.webhook({ url: `${receiver.origin}/lost` });
    receiver.answer(({ path }) => (path === '/recorded' ? 200 : { delayMs: 60_000 }));
    const first = await service.addDispatcher();
    await service.publish();
    await waitFor('one to be recorded', async () => (await states()).join() === 'delivered');
    const [batch] = await openBatches();
    expect(batch?.owner).not.toBeNull();
    // As if it were dead: it no longer counts as the owner, and what it writes comes too late.
    const [gone] = await service.rows<{ id: string }>('DELETE FROM dispatchers RETURNING id');
    expect(gone?.id).toBe(batch?.owner);
    await service.rows('UPDATE event_batches SET owner = NULL');
    receiver.answer(() => 200);
    await service.addDispatcher();
    await untilAll('delivered', 2);
    const sentTo = receiver.requests.map(({ path }) => path).toSorted();
    expect(sentTo.slice(0, 2)).toEqual(['/lost', '/lost']);
    expect(sentTo.filter((path) => path === '/recorded')).toHaveLength(1);
    await first.stop();
  });

  it('of an owner that has no row are found', async () => {
    await service.webhook({ url: receiver.origin });
    await service.publish();
    await service.rows('UPDATE event_batches SET owner = $1, was_opened = true', [newUuid(Date.now())]);
    expect(await releaseOwnerless(service.pool)).toBe(1);
    await service.addDispatcher();
    await untilAll('delivered', 1);
  });

  it('are sent again when the database refuses their outcome, and hold up no other', async () => {
    await service.addDispatcher();
    await service.webhook({ url: receiver.origin });
    await service.rows(`CREATE FUNCTION refuse() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN RAISE 'refused'; END $$`);
    await service.rows(`CREATE TRIGGER refusing BEFORE INSERT ON deliveries FOR EACH ROW
      WHEN (NEW.state = 'delivered' AND NEW.event_type = 'build.failed') EXECUTE FUNCTION refuse()`);
    const events = ['build.completed', 'build.failed', 'build.completed'].map((event) => ({ event, data: {} }));
    await service.api.as(service.tenant.token).post('/api/events/batch').send({ events }).expect(202);
    await untilAll('delivered', 3);
    const types = receiver.requests.map(({ body }) => body.event).toSorted();
    expect(types).toEqual(['build.completed', 'build.completed', 'build.failed', 'build.failed']);
  });

  it('that have not begun are handed back by a dispatcher that stops', async () => {
    receiver.answer(() => ({ delayMs: 300 }));
    const first = await service.addDispatcher({ WEBHOOK_MAX_IN_FLIGHT: '1' });
    await service.webhook({ url: receiver.origin });
    const events = Array.from({ length: 6 }, () => ({ event: 'build.completed', data: {} }));
    await service.api.as(service.tenant.token).post('/api/events/batch').send({ events }).expect(202);
    await receiver.waitFor(1);
    await first.stop();
    expect(await openBatches()).toEqual([]);
    expect(new Set(await states())).toEqual(new Set(['delivered', 'queued']));
    receiver.answer(() => 200);
    await service.addDispatcher();
    await untilAll('delivered', 6);
    expect(receiver.requests).toHaveLength(6);
  });
});
