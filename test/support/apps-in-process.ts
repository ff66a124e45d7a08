import { NestFactory } from '@nestjs/core';
import { FastifyAdapter, type NestFastifyApplication } from '@nestjs/platform-fastify';
import { Pool, type QueryResultRow } from 'pg';
import { loadEnvironment } from '#config/environment';
import { createLogger } from '#observability/logger';
import { NestLogger } from '#observability/nest-logger';
import { DispatcherModule } from '../../apps/dispatcher/src/dispatcher.module';
import { ADMIN_TOKEN, BOOTSTRAP_TOKEN, startApi, type TestApi } from './api';
import type { TestBackend } from './backends';
import { makeTenant, type TestTenant } from './factories';
import { ENCRYPTION_KEY, insertWebhook, type TestWebhook, type WebhookValues } from './insert-webhook';
import { createTestDatabase } from './postgres';
import { waitFor } from './wait-for';

/** Variables that both apps of the tests have, in this process and in processes of their own. */
export const APP_ENVIRONMENT = {
  NODE_ENV: 'test',
  HOST: '127.0.0.1',
  PORT: '0',
  DISPATCHER_PORT: '0',
  DATABASE_POOL_SIZE: '4',
  ENCRYPTION_KEY,
  ADMIN_TOKEN,
  BOOTSTRAP_TOKEN,
  DELIVERY_ALLOWED_CIDRS: '127.0.0.0/8',
  REQUIRE_HTTPS: 'false',
  STOP_DEADLINE_MS: '10000',
  LOG_LEVEL: process.env['TEST_LOG_LEVEL'] ?? 'silent',
};

export interface TestDispatcher {
  readonly app: NestFastifyApplication;
  readonly url: string;
  stop(): Promise<void>;
}

/** Starts the real dispatcher in this process, on a free port, and waits until it may send. */
async function startDispatcher(databaseUrl: string, env: Record<string, string> = {}): Promise<TestDispatcher> {
  const environment = loadEnvironment({ ...APP_ENVIRONMENT, DATABASE_URL: databaseUrl, ...env });
  const logger = createLogger(environment.logLevel, 'dispatcher');
  const app = await NestFactory.create<NestFastifyApplication>(
    DispatcherModule.with(environment, logger),
    new FastifyAdapter(),
    { logger: new NestLogger(logger) },
  );
  await app.listen(0, environment.host);
  const url = await app.getUrl();
  await waitFor('the dispatcher to be ready', async () => (await fetch(`${url}/readyz`)).ok);
  return { app, url, stop: () => app.close() };
}

/** What a publish request may hold. */
export interface Publication {
  event?: string;
  data?: object;
  project_id?: string;
  event_id?: string;
  deliver_at?: string;
  ordering_key?: string;
  priority?: string;
}

export interface Published {
  event_id: string;
  status: string;
  duplicate: boolean;
}

/** The whole service on a database of its own: the API and dispatchers in this process, and a first tenant. */
export interface TestService {
  readonly databaseUrl: string;
  /** The variables that make an app one of this service. */
  readonly env: Record<string, string>;
  readonly api: TestApi;
  readonly dispatchers: TestDispatcher[];
  readonly tenant: TestTenant;
  readonly pool: Pool;
  rows<T extends QueryResultRow>(text: string, values?: unknown[]): Promise<T[]>;
  /** A webhook of the first tenant unless another is named. */
  webhook(values: Omit<WebhookValues, 'tenantId' | 'userId'> & { tenant?: TestTenant }): Promise<TestWebhook>;
  /** Publishes over HTTP and expects 202. */
  publish(publication?: Publication, token?: string): Promise<Published>;
  addDispatcher(env?: Record<string, string>): Promise<TestDispatcher>;
  stop(): Promise<void>;
}

/** @param env variables over those of the tests. */
export async function startService(
  backend: TestBackend,
  { dispatchers = 1, env: more = {} }: { dispatchers?: number; env?: Record<string, string> } = {},
): Promise<TestService> {
  const database = await createTestDatabase();
  const env = { ...backend.env(), ...more };
  const pool = new Pool({ connectionString: database.url, max: 2 });
  pool.on('error', () => undefined); // tests break connections on purpose
  const api = await startApi({ databaseUrl: database.url, env: { ...APP_ENVIRONMENT, ...env } });
  const tenant = await makeTenant(api);
  const running: TestDispatcher[] = [];
  const addDispatcher: TestService['addDispatcher'] = async (own = {}) => {
    const dispatcher = await startDispatcher(database.url, { ...env, ...own });
    running.push(dispatcher);
    return dispatcher;
  };
  for (let count = 0; count < dispatchers; count += 1) await addDispatcher();
  return {
    databaseUrl: database.url,
    env,
    api,
    dispatchers: running,
    tenant,
    pool,
    addDispatcher,
    async rows<T extends QueryResultRow>(text: string, values: unknown[] = []) {
      return (await pool.query<T>(text, values)).rows;
    },
    webhook: ({ tenant: owner = tenant, ...values }) =>
      insertWebhook(pool, { tenantId: owner.tenantId, userId: owner.userId, ...values }),
    async publish(publication = {}, token = tenant.token) {
      const response = await api
        .as(token)
        .post('/api/events')
        .send({ event: 'build.completed', data: { build_id: 'build_123' }, ...publication });
      if (response.status !== 202) throw new Error(`publish answered ${response.status}: ${response.text}`);
      return response.body as Published;
    },
    async stop() {
      await Promise.all(running.map((dispatcher) => dispatcher.stop()));
      await api.stop();
      await pool.end();
      await database.drop();
    },
  };
}
