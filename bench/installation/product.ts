import { randomBytes } from 'node:crypto';
import { join } from 'node:path';
import { Pool } from 'pg';
import { formatId } from '#kernel/ids';
import { startApp, type AppProcess } from './app-process';
import type { Installation } from './installation';
import type { Pipeline } from './pipeline';
import { ENCRYPTION_KEY } from './populate';

const ORIGIN = /^http:\/\/[^/]+/;

export type Backend = 'redis' | 'postgres';

export interface ProductOptions {
  databaseUrl: string;
  backend: Backend;
  /** A fault that the dispatcher is started with; see test/chaos/planted.ts. */
  planted: string | null;
  /** Where CPU profiles go; null for none. */
  profileFolder: string | null;
  /** Of another build, to compare with; null for this one. */
  built: string | null;
}

/** The real API and a real dispatcher, with the defaults of production wherever nothing is said here. */
export async function startProduct(installation: Installation, options: ProductOptions): Promise<Pipeline> {
  const { databaseUrl, backend, planted, profileFolder, built } = options;
  const name = `product-${randomBytes(3).toString('hex')}`;
  const env = {
    ...{ NODE_ENV: 'production', HOST: '127.0.0.1', REQUIRE_HTTPS: 'false', DELIVERY_ALLOWED_CIDRS: '127.0.0.0/8' },
    ...{ ENCRYPTION_KEY, DATABASE_URL: databaseUrl, QUEUE_PREFIX: name },
    REDIS_URL: backend === 'redis' ? (installation.redis?.url ?? '') : '',
    ...(planted === null ? {} : { CHAOS_PLANTED: planted }),
  };
  const profiling = profileFolder === null ? [] : ['--cpu-prof', `--cpu-prof-dir=${profileFolder}`];
  const start = (kind: 'api' | 'dispatcher', nodeOptions: string[]): Promise<AppProcess> =>
    startApp({
      ...{ built, program: `apps/${kind}/main.js`, name: `${name}-${kind}`, env, folder: installation.folder },
      portVariable: kind === 'api' ? 'PORT' : 'DISPATCHER_PORT',
      nodeOptions: [...profiling, ...nodeOptions],
    });
  const plant = planted === null ? [] : ['--require', join(__dirname, '..', '..', 'test', 'chaos', 'planted.js')];
  const [api, first] = await Promise.all([start('api', []), start('dispatcher', plant)]);
  const dispatchers = [first];
  const pool = new Pool({ connectionString: databaseUrl, max: 2 });
  pool.on('error', () => undefined);
  return {
    ...{ name: 'product', api, dispatchers, pool },
    async recorded() {
      const { rows } = await pool.query<{ url: string; event_id: string }>(
        `WITH once AS (SELECT delivery_id FROM attempts WHERE status_code = 200 GROUP BY 1 HAVING count(*) = 1)
         SELECT w.url, d.event_id FROM deliveries d JOIN webhooks w ON w.id = d.webhook_id JOIN once ON once.delivery_id = d.id
         WHERE d.state = 'delivered' AND d.response_code = 200`,
      );
      return rows.map((row) => `${row.url.replace(ORIGIN, '')} ${formatId('event', row.event_id)}`);
    },
    async unfinished() {
      const { rows } = await pool.query<{ count: string }>(
        `SELECT (SELECT count(*) FROM event_batches) + (
           SELECT count(*) FROM deliveries d JOIN webhooks w ON w.id = d.webhook_id
           WHERE d.status = 'pending' AND w.url NOT LIKE '%/hang/%') AS count`,
      );
      return Number(rows[0]?.count);
    },
    async addDispatcher() {
      const added = await start('dispatcher', plant);
      dispatchers.push(added);
      return added;
    },
    async stop() {
      await Promise.all([api, ...dispatchers].map((app) => app.stop()));
      await pool.end();
    },
  };
}
