import { randomBytes } from 'node:crypto';
import { Pool } from 'pg';
import { BARE_SCHEMA } from '../bare/bare.queries';
import { startApp } from './app-process';
import type { Installation } from './installation';
import type { Pipeline } from './pipeline';
import type { Backend } from './product';
import { WEBHOOK_SECRET } from './populate';

export const BARE_PATH = '/ok/bare';

/** The yardstick: two processes as the product's, on the same servers. */
export async function startBare(
  installation: Installation,
  options: { databaseUrl: string; backend: Backend; receiverOrigin: string },
): Promise<Pipeline> {
  const { databaseUrl, backend, receiverOrigin } = options;
  const name = `bare-${randomBytes(3).toString('hex')}`;
  const pool = new Pool({ connectionString: databaseUrl, max: 2 });
  pool.on('error', () => undefined);
  await pool.query(BARE_SCHEMA);
  const env = {
    ...{ NODE_ENV: 'production', DATABASE_URL: databaseUrl, QUEUE_PREFIX: name, BENCH_SECRET: WEBHOOK_SECRET },
    REDIS_URL: backend === 'redis' ? (installation.redis?.url ?? '') : '',
    BENCH_URL: receiverOrigin + BARE_PATH,
  };
  const start = (kind: 'accept' | 'deliver') =>
    startApp({
      ...{
        built: null,
        program: `bench/bare/bare-${kind}.js`,
        name: `${name}-${kind}`,
        env,
        folder: installation.folder,
      },
      ...{ portVariable: 'PORT', nodeOptions: [] },
    });
  const [api, dispatcher] = await Promise.all([start('accept'), start('deliver')]);
  return {
    ...{ name: 'bare', api, dispatchers: [dispatcher], pool },
    async recorded() {
      const { rows } = await pool.query<{ event_id: string }>('SELECT event_id FROM bare_outcomes WHERE status = 200');
      return rows.map((row) => `${BARE_PATH} ${row.event_id}`);
    },
    async unfinished() {
      const { rows } = await pool.query<{ count: string }>(
        `SELECT count(*) FROM bare_events e WHERE e.is_wanted AND NOT EXISTS (SELECT FROM bare_outcomes o WHERE o.event_id = e.id)`,
      );
      return Number(rows[0]?.count);
    },
    addDispatcher: () => Promise.reject(new Error('The bare pipeline has one')),
    async stop() {
      await Promise.all([api.stop(), dispatcher.stop()]);
      await pool.end();
    },
  };
}
