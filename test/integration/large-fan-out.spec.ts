import { deliveryUuid, parseId } from '#kernel/ids';
import { startApp, type AppProcess } from '../support/apps-as-processes';
import { startService, type TestService } from '../support/apps-in-process';
import { describeEachBackend } from '../support/backends';
import { makeTenant } from '../support/factories';
import { insertHoldingWebhooks } from '../support/insert-webhook';
import { startReceiver } from '../support/receiver';
import { waitFor } from '../support/wait-for';

const WEBHOOKS = 3_200;

describeEachBackend('an event for thousands of webhooks', (backend) => {
  let service: TestService;
  let webhookIds: string[];
  let dispatcher: AppProcess | null = null;
  let goOn: () => Promise<void> = () => Promise.resolve();

  beforeEach(async () => {
    service = await startService(backend, { dispatchers: 0 });
    webhookIds = await insertHoldingWebhooks(service.pool, service.tenant, WEBHOOKS);
  });
  afterEach(async () => {
    await goOn();
    if (dispatcher?.hasEnded() === false) await dispatcher.end('SIGKILL');
    dispatcher = null;
    await service.stop();
  });

  const counts = async (): Promise<{ made: number; pending: number; created: number }> => {
    const [row] = await service.rows<{ made: number; pending: number; created: number }>(
      `SELECT (SELECT count(DISTINCT webhook_id) FROM deliveries)::integer AS made,
         (SELECT count(*) FROM event_batches)::integer AS pending,
         ((SELECT coalesce(sum(created), 0) FROM stats_deltas) + (SELECT coalesce(sum(created), 0) FROM webhook_totals))::integer AS created`,
    );
    return row!;
  };
  const untilFannedOut = (): Promise<void> =>
    waitFor('the fan-out to be finished', async () => (await counts()).pending === 0, 30_000);

  /** Keeps fan-outs from passing this webhook until `goOn`. */
  async function holdUpAt(eventId: string, webhookId: string): Promise<void> {
    const client = await service.pool.connect();
    await client.query('BEGIN');
    await client.query(
      `INSERT INTO deliveries (id, tenant_id, webhook_id, event_id, event_type, status, state)
       SELECT $1, tenant_id, id, $3, 'build.completed', 'pending', 'queued' FROM webhooks WHERE id = $2`,
      [deliveryUuid(eventId, webhookId), webhookId, eventId],
    );
    goOn = async () => {
      goOn = () => Promise.resolve();
      await client.query('ROLLBACK');
      client.release();
    };
  }

  const untilHeldUp = (): Promise<void> =>
    waitFor(
      'the fan-out to be held up',
      async () => {
        const waiting = `SELECT FROM pg_stat_activity WHERE wait_event_type = 'Lock' AND datname = current_database()`;
        return (await service.rows(waiting)).length > 0;
      },
      30_000,
    );

  it('does not hold up the event of another tenant, and makes every delivery once', async () => {
    const other = await makeTenant(service.api, 'Other');
    const receiver = await startReceiver();
    await service.webhook({ url: receiver.origin, tenant: other });
    const event = await service.publish();
    await holdUpAt(parseId('event', event.event_id)!, webhookIds.at(-1)!);
    await service.addDispatcher();
    await untilHeldUp();
    await service.publish({}, other.token);
    await receiver.waitFor(1);
    // Its own batch goes with the record of what was sent.
    await waitFor('only the large event to be pending', async () => (await counts()).pending === 1);
    await goOn();
    await untilFannedOut();
    expect(await counts()).toEqual({ made: WEBHOOKS + 1, pending: 0, created: WEBHOOKS + 1 });
    await receiver.stop();
  });

  it('is finished by another dispatcher when the first is killed in the middle', async () => {
    const event = await service.publish();
    await holdUpAt(parseId('event', event.event_id)!, webhookIds.at(-1)!);
    dispatcher = await startApp('dispatcher', service.databaseUrl, service.env);
    await dispatcher.untilReady();
    await untilHeldUp();
    const before = await counts();
    expect(before.pending).toBe(1);
    expect(before.made).toBeGreaterThanOrEqual(500);
    expect(before.made).toBeLessThan(WEBHOOKS);
    await dispatcher.end('SIGKILL');
    await goOn();
    await service.addDispatcher();
    await untilFannedOut();
    expect(await counts()).toEqual({ made: WEBHOOKS, pending: 0, created: WEBHOOKS });
  });

  it('is left to another dispatcher by one that stops in the middle', async () => {
    const event = await service.publish();
    await holdUpAt(parseId('event', event.event_id)!, webhookIds.at(-1)!);
    const first = await service.addDispatcher();
    await untilHeldUp();
    const stopped = first.stop();
    await goOn();
    await stopped;
    await service.addDispatcher();
    await untilFannedOut();
    expect(await counts()).toEqual({ made: WEBHOOKS, pending: 0, created: WEBHOOKS });
  });
});
