import { once } from 'node:events';
import type { AddressInfo } from 'node:net';
import type { NestFastifyApplication } from '@nestjs/platform-fastify';
import supertest from 'supertest';
import { createApi } from '../../apps/api/src/create-api';
import { loadEnvironment } from '#config/environment';
import { createLogger } from '#observability/logger';
import { waitFor } from './wait-for';

export const ADMIN_TOKEN = 'the-operators-token-of-the-tests-0123456789';
export const BOOTSTRAP_TOKEN = 'the-bootstrap-token-of-the-tests-0123456789';

type Agent = ReturnType<typeof supertest>;

export interface TestApi {
  readonly app: NestFastifyApplication;
  readonly url: string;
  /** Requests without a token. */
  readonly anonymous: Agent;
  /** Requests with this token. */
  as(token: string): ReturnType<typeof supertest.agent>;
  stop(): Promise<void>;
}

export interface TestApiOptions {
  databaseUrl: string;
  /** Variables over those of the tests. */
  env?: Record<string, string>;
  /** Whether to wait until `/readyz` answers 200; yes unless told otherwise. */
  waitUntilReady?: boolean;
}

/** Starts the real API in this process, on a free port. */
export async function startApi({ databaseUrl, env = {}, waitUntilReady = true }: TestApiOptions): Promise<TestApi> {
  const environment = loadEnvironment({
    NODE_ENV: 'test',
    HOST: '127.0.0.1',
    PORT: '0',
    DATABASE_URL: databaseUrl,
    DATABASE_POOL_SIZE: '4',
    ENCRYPTION_KEY: Buffer.alloc(32, 7).toString('base64'),
    ADMIN_TOKEN,
    BOOTSTRAP_TOKEN,
    // All tests come from one address, and present many wrong tokens.
    MAX_FAILED_LOGINS_PER_MINUTE: '0',
    LOG_LEVEL: process.env['TEST_LOG_LEVEL'] ?? 'silent',
    ...env,
  });
  const app = await createApi(environment, createLogger(environment.logLevel, 'api'));
  await app.listen(environment.port, environment.host);
  const server = app.getHttpServer();
  if (!server.listening) await once(server, 'listening');
  const url = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
  const api: TestApi = {
    app,
    url,
    anonymous: supertest(url),
    as: (token) => supertest.agent(url).set('authorization', `Bearer ${token}`),
    stop: () => app.close(),
  };
  if (waitUntilReady) {
    await waitFor('the API to be ready', async () => (await api.anonymous.get('/readyz')).status === 200);
  }
  return api;
}
