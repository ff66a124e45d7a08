import { mkdir, mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Redis } from 'ioredis';
import { Pool } from 'pg';
import { migrate } from '#database/migrate';
import { startChaosPostgres, startChaosRedis, type ChaosServer } from '../../test/chaos/servers';
import { databaseUrl, execute } from '../../test/support/postgres';

const TEMPLATE = 'bench_template';
const COUNTING = { shared_preload_libraries: 'pg_stat_statements', 'pg_stat_statements.track_planning': 'on' };

/** The servers of a bench run: a PostgreSQL that syncs as in production, and a Redis when the machine has one. */
export interface Installation {
  readonly postgresPid: number;
  readonly redis: ChaosServer | null;
  /** Of the run: logs and data, removed at the end. */
  readonly folder: string;
  /** A database of its own with the newest schema. */
  createDatabase(name: string): Promise<string>;
  dropDatabase(name: string): Promise<void>;
  /** So that no run pays for what the one before has written. */
  settle(): Promise<void>;
  stop(): Promise<void>;
}

/** @param countStatements whether PostgreSQL counts its statements, which costs it some of its time. */
export async function startInstallation(countStatements: boolean): Promise<Installation> {
  const folder = await mkdtemp(join(tmpdir(), 'webhooks-bench-'));
  const dataDir = join(folder, 'data');
  await mkdir(dataDir);
  const postgres = await startChaosPostgres(dataDir, countStatements ? COUNTING : {});
  const redis = await startChaosRedis(folder);
  await execute(postgres.url, `CREATE DATABASE ${TEMPLATE}`);
  await migrate(databaseUrl(postgres.url, TEMPLATE));
  if (countStatements) await execute(databaseUrl(postgres.url, TEMPLATE), 'CREATE EXTENSION pg_stat_statements');
  const pool = new Pool({ connectionString: postgres.url, max: 1 });
  pool.on('error', () => undefined);
  return {
    postgresPid: postgres.pid,
    redis,
    folder,
    async createDatabase(name) {
      await pool.query(`CREATE DATABASE ${name} TEMPLATE ${TEMPLATE}`);
      return databaseUrl(postgres.url, name);
    },
    async dropDatabase(name) {
      await pool.query(`DROP DATABASE IF EXISTS ${name} WITH (FORCE)`);
      if (redis !== null) await flush(redis.url);
    },
    async settle() {
      await pool.query('CHECKPOINT');
    },
    async stop() {
      await pool.end();
      await redis?.stop();
      await postgres.stop();
      await rm(folder, { recursive: true, force: true });
    },
  };
}

async function flush(url: string): Promise<void> {
  const redis = new Redis(url);
  try {
    await redis.flushall();
  } finally {
    redis.disconnect();
  }
}
