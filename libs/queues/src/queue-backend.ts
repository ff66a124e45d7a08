import { setTimeout as delay } from 'node:timers/promises';
import { createPostgresBackend, Queue, withBackend, Worker, type Processor } from 'bullmq';
import type { Cluster, Redis } from 'ioredis';
import { SurvivingClient } from '#database/pools';
import type { Logger } from '#observability/logger';
import { connectRedis, parseRedisUrl } from './redis-connection';

/** What the application needs of BullMQ, over Redis or PostgreSQL alike. */
export interface QueueBackend {
  readonly kind: 'redis' | 'postgres';
  /** A queue to add to; resolves once the backend was reachable, or with null when closed before. */
  openQueue(name: string): Promise<Queue | null>;
  /** Starts consuming as soon as the backend is reachable, and goes on through its outages. */
  consume<T>(name: string, processor: Processor<T>, concurrency: number): Consumer;
  /** Jobs of a queue that wait or are delayed; null when it is not open or does not answer. */
  depth(name: string): Promise<number | null>;
  /** Null when the backend answers, else what is wrong in words fit for `/readyz`. */
  problem(): Promise<string | null>;
  close(): Promise<void>;
}

/** A running consumer. */
export interface Consumer {
  /** Takes no more jobs and waits for those at work. */
  close(): Promise<void>;
}

export interface QueueBackendOptions {
  redisUrl: string | null;
  databaseUrl: string;
  prefix: string;
  /** Resolves when the database first answered; only the PostgreSQL backend waits for it. */
  databaseReady: () => Promise<void>;
  databaseProblem: () => Promise<string | null>;
  logger: Logger;
}

const RETRY_MS = 1_000;
const PING_TIMEOUT_MS = 1_000;
const POSTGRES_POOL = 3;
/** Jobs only carry signals, and Postgres owns the truth: a finished or failed one is of no more use. */
const QUEUE_OPTIONS = {
  defaultJobOptions: { removeOnComplete: true, removeOnFail: 100, attempts: 1 },
  // Nobody reads BullMQ's stream of events.
  streams: { events: { maxLen: 100 } },
};

/** BullMQ on Redis where a URL is given, else on the application's own PostgreSQL. */
export function createQueueBackend(options: QueueBackendOptions): QueueBackend {
  return options.redisUrl === null ? createPostgresQueues(options) : createRedisQueues(options, options.redisUrl);
}

function createRedisQueues(options: QueueBackendOptions, redisUrl: string): QueueBackend {
  const target = parseRedisUrl(redisUrl);
  const closing = new AbortController();
  // Braces make every key of a queue fall into one slot of a Redis Cluster.
  const prefix = `{${options.prefix}}`;
  const producer = connectRedis(target, 'producer');
  const connections: (Redis | Cluster)[] = [producer];
  const open = new Map<string, Queue>();
  let said = false;
  producer.on('error', (error: Error) => {
    if (!said)
      options.logger.warn({ error: error.message }, 'Redis is away; signals wait, the database keeps the work');
    said = true;
  });
  producer.on('ready', () => {
    options.logger.info('Redis ready');
    said = false;
  });

  return {
    kind: 'redis',
    async openQueue(name) {
      await untilReachable(() => ping(producer), closing.signal);
      if (closing.signal.aborted) return null;
      const queue = new Queue(name, {
        connection: producer,
        prefix,
        ...QUEUE_OPTIONS,
        skipWaitingForReady: true,
      });
      queue.on('error', noteQueueError(options.logger, name));
      open.set(name, queue);
      return queue;
    },
    depth: (name) => depthOf(open.get(name)),
    consume(name, processor, concurrency) {
      const connection = connectRedis(target, 'consumer');
      connection.on('error', () => undefined); // said once by the producer's connection
      connections.push(connection);
      return startConsumer(
        () => untilReachable(() => ping(producer), closing.signal),
        () => new Worker(name, processor, { connection, prefix, concurrency, autorun: false, ...WORKER_OPTIONS }),
        options.logger,
        name,
      );
    },
    async problem() {
      return (await ping(producer)) ? null : 'Redis does not answer';
    },
    async close() {
      closing.abort();
      await Promise.all([...open.values()].map((queue) => queue.close().catch(() => undefined)));
      for (const connection of connections) connection.disconnect();
    },
  };
}

function createPostgresQueues(options: QueueBackendOptions): QueueBackend {
  const classes = withBackend(createPostgresBackend);
  const connection = {
    connectionString: options.databaseUrl,
    max: POSTGRES_POOL,
    // A signal that a crash of PostgreSQL loses is found by the reconciler: its commit need not wait for the disk.
    options: '-c role=webhooks_service -c synchronous_commit=off',
    application_name: 'webhooks-queue',
    // BullMQ takes a connection to look at its schema, and does not listen to it.
    Client: SurvivingClient,
  };
  const closing = new AbortController();
  const isClosing = (): boolean => closing.signal.aborted;
  const open = new Map<string, Queue>();
  return {
    kind: 'postgres',
    async openQueue(name) {
      for (;;) {
        await Promise.race([options.databaseReady(), untilAborted(closing.signal)]);
        if (isClosing()) return null;
        const queue = new classes.Queue(name, { connection, ...QUEUE_OPTIONS });
        queue.on('error', noteQueueError(options.logger, name));
        try {
          await queue.waitUntilReady();
          if (!isClosing()) {
            open.set(name, queue as unknown as Queue);
            return queue as unknown as Queue;
          }
          await queue.close();
        } catch {
          // A backend remembers its failed first connection for good: begin anew.
          await queue.close().catch(() => undefined);
          await pause(closing.signal);
        }
      }
    },
    depth: (name) => depthOf(open.get(name)),
    consume(name, processor, concurrency) {
      return startConsumer(
        () => Promise.race([options.databaseReady(), untilAborted(closing.signal)]),
        () =>
          new classes.Worker(name, processor, {
            connection,
            concurrency,
            autorun: false,
            ...WORKER_OPTIONS,
          }) as unknown as Worker,
        options.logger,
        name,
      );
    },
    problem: () => options.databaseProblem(),
    async close() {
      closing.abort();
      await Promise.all([...open.values()].map((queue) => queue.close().catch(() => undefined)));
    },
  };
}

const WORKER_OPTIONS = {
  removeOnComplete: { count: 0 },
  removeOnFail: { count: 100 },
  lockDuration: 30_000,
  stalledInterval: 30_000,
  runRetryDelay: RETRY_MS,
};

/** Starts a worker once its backend is reachable; starts a new one should its first connection fail. */
function startConsumer(reachable: () => Promise<void>, make: () => Worker, logger: Logger, name: string): Consumer {
  const closing = new AbortController();
  let worker: Worker | null = null;
  const running = (async () => {
    while (!closing.signal.aborted) {
      const reached = await Promise.race([
        reachable().then(() => true),
        untilAborted(closing.signal).then(() => false),
      ]);
      if (!reached) return;
      worker = make();
      worker.on('error', noteQueueError(logger, name));
      worker.on('failed', (_job, error) =>
        logger.warn({ queue: name, error: error.message }, 'a job failed; the reconciler takes its work up'),
      );
      try {
        await worker.waitUntilReady();
        logger.info({ queue: name }, 'consuming');
        await worker.run();
      } catch (error) {
        logger.warn({ queue: name, error: String(error) }, 'a consumer stopped and begins anew');
      }
      await worker.close(true).catch(() => undefined);
      await pause(closing.signal);
    }
  })();
  return {
    async close() {
      closing.abort();
      await worker?.close();
      await running;
    },
  };
}

async function depthOf(queue: Queue | undefined): Promise<number | null> {
  if (queue === undefined) return null;
  return queue.getJobCountByTypes('waiting', 'delayed').catch(() => null);
}

async function ping(redis: Redis | Cluster): Promise<boolean> {
  if (redis.status !== 'ready') return false;
  const answered = redis.ping().then(
    () => true,
    () => false,
  );
  return Promise.race([answered, delay(PING_TIMEOUT_MS, false, { ref: false })]);
}

async function untilReachable(isReachable: () => Promise<boolean>, signal: AbortSignal): Promise<void> {
  while (!signal.aborted && !(await isReachable())) await pause(signal, 100);
}

async function pause(signal: AbortSignal, ms = RETRY_MS): Promise<void> {
  await delay(ms, undefined, { signal }).catch(() => undefined);
}

function untilAborted(signal: AbortSignal): Promise<void> {
  if (signal.aborted) return Promise.resolve();
  return new Promise((resolve) => signal.addEventListener('abort', () => resolve(), { once: true }));
}

function noteQueueError(logger: Logger, queue: string): (error: Error) => void {
  return (error) => logger.debug({ queue, error: error.message }, 'queue connection error');
}
