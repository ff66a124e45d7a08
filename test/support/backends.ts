import { randomBytes } from 'node:crypto';
import { Redis } from 'ioredis';
import { execute } from './postgres';
import { queryRows } from './query-rows';

/** Where the global setup leaves the address of Redis for the test files; empty when there is none. */
export const REDIS_VARIABLE = 'TEST_REDIS_URL';

/** One of BullMQ's two homes. */
export interface TestBackend {
  readonly kind: 'postgres' | 'redis';
  /** Address of Redis; null on PostgreSQL. */
  readonly redisUrl: string | null;
  /** Variables for the apps of one service; each service has queues of its own. */
  env(): Record<string, string>;
  /** Takes every job, schedule and lock away, as FLUSHALL does. */
  emptyQueues(databaseUrl: string, env: Record<string, string>): Promise<void>;
}

/** BullMQ on PostgreSQL, for tests in which the queue plays no part. */
export const POSTGRES_BACKEND: TestBackend = {
  kind: 'postgres',
  redisUrl: null,
  env: () => ({ REDIS_URL: '' }),
  async emptyQueues(databaseUrl) {
    const tables = await queryRows<{ name: string }>(
      databaseUrl,
      `SELECT tablename AS name FROM pg_tables WHERE schemaname = 'bullmq' AND tablename <> 'migration'`,
    );
    // Row by row and table by table: a TRUNCATE deadlocks with those who work on the queue.
    for (const { name } of tables) await execute(databaseUrl, `DELETE FROM bullmq.${name}`);
  },
};

function redisBackend(url: string): TestBackend {
  return {
    kind: 'redis',
    redisUrl: url,
    env: () => ({ REDIS_URL: url, QUEUE_PREFIX: `test-${randomBytes(6).toString('hex')}` }),
    async emptyQueues(_databaseUrl, env) {
      const redis = new Redis(url);
      try {
        // Not FLUSHALL: other test files use the same server.
        const keys = await redis.keys(`{${String(env['QUEUE_PREFIX'])}}*`);
        if (keys.length > 0) await redis.del(...keys);
      } finally {
        redis.disconnect();
      }
    },
  };
}

/**
 * The same tests on both backends. Without Redis its half is skipped; scripts/redis-reporter.cjs then says so at the end
 * of the run, and fails it under REQUIRE_REDIS=1.
 */
export function describeEachBackend(name: string, tests: (backend: TestBackend) => void): void {
  describe(`${name} (BullMQ on PostgreSQL)`, () => {
    tests(POSTGRES_BACKEND);
  });
  const url = process.env[REDIS_VARIABLE] ?? '';
  (url === '' ? describe.skip : describe)(`${name} (BullMQ on Redis)`, () => {
    tests(redisBackend(url));
  });
}
