import { MAX_READ_BYTES, takeBatches } from '../../apps/dispatcher/src/batches/event-batches.queries';
import { newUuid } from '#kernel/ids';
import { startService, type TestService } from '../support/apps-in-process';
import { describeEachBackend } from '../support/backends';
import { startReceiver } from '../support/receiver';
import { waitFor } from '../support/wait-for';

const COMMITS = 8;
const EVENTS = 6;
/** No dispatcher: batches of ordering keys are not opened. */
const NOBODY = newUuid(Date.now());
const FILLING = 'x'.repeat(250 * 1024);

describeEachBackend('batches of events with large payloads', (backend) => {
  let service: TestService;

  beforeEach(async () => {
    service = await startService(backend, { dispatchers: 0 });
  });
  afterEach(() => service.stop());

  /** Publishes {@link COMMITS} batches of 1.5 MB each, by turns of two keys. */
  async function publishAll(): Promise<void> {
    for (let commit = 0; commit < COMMITS; commit += 1) {
      const events = Array.from({ length: EVENTS }, (_, index) => ({
        event: 'build.completed',
        data: { number: commit * EVENTS + index, filling: FILLING },
        ordering_key: `key-${String(commit % 2)}`,
      }));
      await service.api.as(service.tenant.token).post('/api/events/batch').send({ events }).expect(202);
    }
  }
  const pendingIds = async (): Promise<string[]> =>
    (await service.rows<{ id: string }>('SELECT id FROM event_batches ORDER BY position')).map(({ id }) => id);

  it('are read in parts of bounded size, in their order', async () => {
    await publishAll();
    const ids = await pendingIds();
    expect(ids).toHaveLength(COMMITS);
    const read: string[] = [];
    for (let left = ids.toReversed(); left.length > 0;) {
      const { batches, unread } = await takeBatches(service.pool, NOBODY, left);
      const bytes = batches.flatMap(({ events }) => events).reduce((sum, event) => sum + event.data.length, 0);
      expect(bytes).toBeGreaterThan(MAX_READ_BYTES / 2);
      expect(bytes).toBeLessThanOrEqual(MAX_READ_BYTES);
      // Behind what was read before and is still pending, and not behind those of the same read.
      expect(batches.map(({ isBehind }) => isBehind)).toEqual(batches.map(() => read.length > 0));
      read.push(...batches.map(({ batchId }) => batchId));
      expect(unread.toSorted()).toEqual(ids.filter((id) => !read.includes(id)).toSorted());
      left = unread;
    }
    expect(read).toEqual(ids);
  });

  it('are read alone where they are larger than that', async () => {
    await publishAll();
    await service.pool.query('UPDATE event_batches SET data_bytes = $1', [2 * MAX_READ_BYTES]);
    const ids = await pendingIds();
    const { batches, unread } = await takeBatches(service.pool, NOBODY, ids);
    expect(batches.map(({ batchId }) => batchId)).toEqual(ids.slice(0, 1));
    expect(unread).toEqual(ids.slice(1));
  });

  it('are all fanned out by a dispatcher that finds them', async () => {
    const receiver = await startReceiver();
    await service.webhook({ url: receiver.origin, ordered: true });
    await publishAll();
    await service.addDispatcher();
    await receiver.waitFor(COMMITS * EVENTS, 30_000);
    await waitFor('nothing to be left', async () => (await pendingIds()).length === 0);
    const numbers = receiver.requests.map((request) => (request.body.data as unknown as { number: number }).number);
    for (const key of [0, 1]) {
      const ofKey = numbers.filter((number) => Math.floor(number / EVENTS) % 2 === key);
      expect(ofKey).toEqual(ofKey.toSorted((a, b) => a - b));
      expect(ofKey).toHaveLength((COMMITS / 2) * EVENTS);
    }
    await receiver.stop();
  });
});
