import { HOSTILE_RECEIVERS } from '#delivery-client/testing/hostile-receivers';
import type { Receiver as HostileServer } from '#delivery-client/testing/receivers';
import { startService, type TestService } from '../support/apps-in-process';
import { describeEachBackend } from '../support/backends';
import { startReceiver, type Receiver } from '../support/receiver';
import { waitFor } from '../support/wait-for';

const EVENTS = 12;
/** Longer than all of the good one's deliveries take, so that whoever waits for a hanging one shows. */
const HOSTILE_TIMEOUT_MS = 15_000;

describeEachBackend('hostile receivers', (backend) => {
  let service: TestService;
  let good: Receiver;
  const hostile: HostileServer[] = [];

  beforeAll(async () => {
    service = await startService(backend);
    good = await startReceiver();
  });
  afterAll(async () => {
    await Promise.all(hostile.map((server) => server.close()));
    await good.stop();
    await service.stop();
  });

  it('hold up nobody else, and each attempt says what was wrong', async () => {
    const expected = new Map<string, string | null>();
    for (const { start, errorClass } of HOSTILE_RECEIVERS) {
      const server = await start();
      hostile.push(server);
      const target = { url: server.origin, timeoutMs: HOSTILE_TIMEOUT_MS, retryPolicy: { max_attempts: 1 } };
      expected.set((await service.webhook(target)).id, errorClass);
    }
    const webhook = await service.webhook({ url: good.origin });
    for (let count = 0; count < EVENTS; count += 1) await service.publish();
    await good.waitFor(EVENTS, HOSTILE_TIMEOUT_MS);
    expect(new Set(good.requests.map(({ deliveryId }) => deliveryId)).size).toBe(EVENTS);
    // All of that while those that hang still hung.
    expect((await outcomes(webhook.id)).flatMap(({ classes }) => classes)).not.toContain('timeout');

    await waitFor(
      'an outcome of each',
      async () => (await outcomes(webhook.id)).length === expected.size,
      2 * HOSTILE_TIMEOUT_MS,
    );
    const found = await outcomes(webhook.id);
    for (const { webhook_id: id, classes } of found) expect([id, classes]).toEqual([id, [expected.get(id)]]);
  });

  const outcomes = (exceptFor: string): Promise<{ webhook_id: string; classes: (string | null)[] }[]> =>
    service.rows(
      `SELECT webhook_id, array_agg(DISTINCT a.error_class) AS classes
       FROM deliveries d JOIN attempts a ON a.delivery_id = d.id WHERE webhook_id <> $1 GROUP BY 1`,
      [exceptFor],
    );
});
