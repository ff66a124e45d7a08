import { SERVER_URL_VARIABLE, TEMPLATE_VARIABLE, execute } from './postgres';

/** Removes the template database, which matters on a server that stays, and stops the servers of this test run. */
export default async function globalTeardown(): Promise<void> {
  const serverUrl = process.env[SERVER_URL_VARIABLE];
  const template = process.env[TEMPLATE_VARIABLE];
  try {
    await globalThis.testRedis?.stop();
    if (serverUrl !== undefined && template !== undefined) {
      await execute(serverUrl, `DROP DATABASE ${template} WITH (FORCE)`);
    }
  } finally {
    await globalThis.testServer?.stop();
  }
}
