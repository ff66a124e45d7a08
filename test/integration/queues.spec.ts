import { Client } from 'pg';
import { createQueueBackend, type QueueBackend } from '#queues/queue-backend';
import { EVENT_QUEUE, WAKE_UP_QUEUE, type EventJob, type WakeUpJob } from '#queues/queue-names';
import { Signals } from '#queues/signals';
import { createLogger } from '#observability/logger';
import { describeEachBackend } from '../support/backends';
import { createTestDatabase, type TestDatabase } from '../support/postgres';
import { startTcpProxy, type TcpProxy } from '../support/tcp-proxy';
import { waitFor } from '../support/wait-for';

describeEachBackend('signals', (backend) => {
  let database: TestDatabase;
  let proxy: TcpProxy;
  let queues: QueueBackend;
  let signals: Signals;
  let closing: (() => Promise<void>)[] = [];

  beforeAll(async () => {
    database = await createTestDatabase();
  });
  beforeEach(async () => {
    proxy = await startTcpProxy(backend.redisUrl ?? database.url);
    const env = backend.env();
    const logger = createLogger('silent', 'test');
    queues = createQueueBackend({
      redisUrl: backend.redisUrl === null ? null : proxy.url,
      databaseUrl: backend.redisUrl === null ? proxy.url : database.url,
      prefix: env['QUEUE_PREFIX'] ?? 'unused',
      databaseReady: () => Promise.resolve(),
      databaseProblem: () => Promise.resolve(null),
      logger,
    });
    signals = new Signals(queues, logger);
  });
  afterEach(async () => {
    for (const close of closing.splice(0)) await close();
    await queues.close();
    await backend.emptyQueues(database.url, backend.env());
    await proxy.stop();
    closing = [];
  });
  afterAll(() => database.drop());

  function consume<T>(name: string): { jobs: T[] } {
    const jobs: T[] = [];
    const consumer = queues.consume<T>(
      name,
      (job) => {
        jobs.push(job.data);
        return Promise.resolve();
      },
      1,
    );
    closing.push(() => consumer.close());
    return { jobs };
  }

  it('arrive as one job for each batch, also those that were sent before anybody consumed', async () => {
    await signals.untilOpen();
    signals.eventsAccepted(['a', 'b']);
    const { jobs } = consume<EventJob>(EVENT_QUEUE);
    await waitFor('the first job', () => jobs.length === 1);
    signals.eventsAccepted(['c']);
    await waitFor('the second job', () => jobs.length === 2);
    expect(jobs).toEqual([{ batchIds: ['a', 'b'] }, { batchIds: ['c'] }]);
  });

  it('go at once, and those that come while one is on its way share the next', async () => {
    await signals.untilOpen();
    const { jobs } = consume<EventJob>(EVENT_QUEUE);
    for (const id of ['first', 'second', 'third']) signals.eventsAccepted([id]);
    await waitFor('both jobs', () => jobs.length === 2);
    expect(jobs).toEqual([{ batchIds: ['first'] }, { batchIds: ['second', 'third'] }]);
  });

  it('wake up once for all that falls due in a quarter of a second, and not before', async () => {
    await signals.untilOpen();
    const { jobs } = consume<WakeUpJob>(WAKE_UP_QUEUE);
    const nowMs = Date.now();
    const bucketMs = Math.ceil((nowMs + 600) / 250) * 250;
    for (let dueAtMs = bucketMs - 249; dueAtMs <= bucketMs; dueAtMs += 10) signals.wakeUpAt(dueAtMs, nowMs);
    await waitFor('the wake-up', () => jobs.length > 0);
    expect(Date.now()).toBeGreaterThanOrEqual(bucketMs);
    signals.wakeUpAt(Date.now() + 1, Date.now());
    await waitFor('another wake-up', () => jobs.length > 1);
    expect(jobs[0]).toEqual({ atMs: bucketMs });
    expect(jobs).toHaveLength(2);
  });

  it('go on after the backend was away, with a sender and a consumer that saw it go', async () => {
    await signals.untilOpen();
    const { jobs } = consume<EventJob>(EVENT_QUEUE);
    signals.eventsAccepted(['before']);
    await waitFor('the job before', () => jobs.length === 1);
    proxy.cut();
    // Nobody waits for a signal, and one that cannot be sent throws nothing.
    for (let count = 0; count < 50; count += 1) signals.eventsAccepted([`lost_${count}`]);
    proxy.restore();
    let number = 0;
    await waitFor('a job after', () => {
      number += 1;
      signals.eventsAccepted([`after_${number}`]);
      return jobs.some(({ batchIds }) => batchIds[0]?.startsWith('after_') === true);
    });
  });

  it('are opened in the background when the backend comes up later', async () => {
    proxy.cut();
    signals.eventsAccepted(['dropped']);
    const { jobs } = consume<EventJob>(EVENT_QUEUE);
    proxy.restore();
    await signals.untilOpen();
    signals.eventsAccepted(['kept']);
    await waitFor('the job', () => jobs.some(({ batchIds }) => batchIds[0] === 'kept'));
    expect(await queues.problem()).toBeNull();
  });

  if (backend.redisUrl === null)
    it('are opened although the connection breaks in the middle of that', async () => {
      const holder = new Client({ connectionString: database.url });
      await holder.connect();
      closing.push(() => holder.end());
      await holder.query('BEGIN; LOCK TABLE bullmq.migration IN ACCESS EXCLUSIVE MODE');
      const opened = signals.untilOpen();
      await waitFor('the opening to wait for the table', async () => {
        const waiting = await holder.query(
          `SELECT FROM pg_locks WHERE relation = 'bullmq.migration'::regclass AND NOT granted`,
        );
        return waiting.rowCount !== 0;
      });
      proxy.cut();
      await holder.query('ROLLBACK');
      proxy.restore();
      await opened;
      const { jobs } = consume<EventJob>(EVENT_QUEUE);
      signals.eventsAccepted(['kept']);
      await waitFor('the job', () => jobs.length === 1);
    });
});
