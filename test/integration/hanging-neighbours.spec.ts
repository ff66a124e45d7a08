import { startService, type TestService } from '../support/apps-in-process';
import { describeEachBackend } from '../support/backends';
import { startReceiver, type Receiver } from '../support/receiver';

/** More than fit into the connections that a client keeps to one host by default. */
const HANGING = 1_100;

describeEachBackend('webhooks that never answer', (backend) => {
  let service: TestService;
  let receiver: Receiver;

  beforeEach(async () => {
    receiver = await startReceiver(({ path }) => (path === '/alive' ? 200 : 'hang'));
    service = await startService(backend);
  });
  afterEach(async () => {
    await receiver.stop();
    await service.stop();
  });

  it('slow none of their neighbours on the same host, however many they are', async () => {
    for (let index = 0; index < HANGING; index += 1) {
      await service.webhook({
        url: `${receiver.origin}/hanging/${String(index)}`,
        events: ['build.failed'],
        timeoutMs: 60_000,
      });
    }
    await service.webhook({ url: `${receiver.origin}/alive`, events: ['build.completed'] });
    await service.publish({ event: 'build.failed' });
    await receiver.waitFor(HANGING);
    const publishedAt = performance.now();
    await service.publish({ event: 'build.completed' });
    await receiver.waitFor((requests) => requests.some(({ path }) => path === '/alive'), 5_000);
    expect(performance.now() - publishedAt).toBeLessThan(5_000);
  });
});
