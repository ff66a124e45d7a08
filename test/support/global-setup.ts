import { migrate } from '#database/migrate';
import { REDIS_VARIABLE } from './backends';
import { SERVER_URL_VARIABLE, TEMPLATE_VARIABLE, databaseUrl, execute } from './postgres';
import { startTestServer, type TestServer } from './postgres-server';
import { startTestRedis, type TestRedis } from './redis';

declare global {
  /** Handed from the global setup to the global teardown, which Jest runs in the same process. */
  var testServer: TestServer | undefined;
  var testRedis: TestRedis | null | undefined;
}

/** Starts the servers of this test run and migrates, once, the database that every test file gets a copy of. */
export default async function globalSetup(): Promise<void> {
  const server = await startTestServer();
  globalThis.testServer = server;
  const template = `test_template_${String(process.pid)}`;
  try {
    await execute(server.url, `CREATE DATABASE ${template}`);
    await migrate(databaseUrl(server.url, template));
    globalThis.testRedis = await startTestRedis();
  } catch (error) {
    await server.stop();
    throw error;
  }
  // Test files run in processes that Jest starts after this, with this environment.
  process.env[SERVER_URL_VARIABLE] = server.url;
  process.env[TEMPLATE_VARIABLE] = template;
  process.env[REDIS_VARIABLE] = globalThis.testRedis?.url ?? '';
}
