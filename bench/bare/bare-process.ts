import { Pool } from 'pg';
import { createLogger } from '#observability/logger';
import { createQueueBackend, type QueueBackend } from '#queues/queue-backend';

const POOL_SIZE = 10;

/** What both processes of the yardstick begin with. */
export interface BareProcess {
  pool: Pool;
  queues: QueueBackend;
  port: number;
}

/** The product's own queues and settings, so that only what is done with them differs. */
export function beginBareProcess(name: string): BareProcess {
  const databaseUrl = required('DATABASE_URL');
  const pool = new Pool({ connectionString: databaseUrl, max: POOL_SIZE });
  pool.on('error', () => undefined);
  const redisUrl = required('REDIS_URL');
  const queues = createQueueBackend({
    ...{ redisUrl: redisUrl === '' ? null : redisUrl, databaseUrl, prefix: required('QUEUE_PREFIX') },
    databaseReady: () => Promise.resolve(),
    databaseProblem: () => Promise.resolve(null),
    logger: createLogger('info', name),
  });
  process.on('SIGTERM', () => process.exit());
  return { pool, queues, port: Number(required('PORT')) };
}

export function required(name: string): string {
  const value = process.env[name];
  if (value === undefined) throw new Error(`${name} is not set`);
  return value;
}
