import { mkdtemp, readdir, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { startEmbeddedPostgres } from '../../apps/local/src/embedded-postgres';
import { hasCode } from '../../apps/local/src/error-code';
import { stopLeftovers } from '../../apps/local/src/postgres-leftovers';

const FOLDER_PREFIX = 'webhooks-test-postgres-';

export interface TestServer {
  /** Address of a database on the server, from which others can be made. */
  readonly url: string;
  stop(): Promise<void>;
}

/** The server at TEST_DATABASE_URL, else an embedded one of this test run, with its data in a temporary folder. */
export async function startTestServer(): Promise<TestServer> {
  const given = process.env['TEST_DATABASE_URL'];
  if (given !== undefined && given !== '') return { url: given, stop: () => Promise.resolve() };
  await removeServersOfKilledRuns();
  // The folder's name tells whose it is.
  const dataDir = await mkdtemp(join(tmpdir(), `${FOLDER_PREFIX}${String(process.pid)}-`));
  const server = await startEmbeddedPostgres({ dataDir, durable: false, log: say });
  return {
    url: server.url,
    async stop() {
      await server.stop();
      await rm(dataDir, { recursive: true, force: true });
    },
  };
}

async function removeServersOfKilledRuns(): Promise<void> {
  for (const name of await readdir(tmpdir())) {
    if (!name.startsWith(FOLDER_PREFIX) || isAlive(Number.parseInt(name.slice(FOLDER_PREFIX.length), 10))) continue;
    const dataDir = join(tmpdir(), name);
    await stopLeftovers(dataDir, say);
    await rm(dataDir, { recursive: true, force: true });
  }
}

function say(message: string): void {
  process.stderr.write(`${message}\n`);
}

function isAlive(pid: number): boolean {
  try {
    process.kill(pid, 0);
    return true;
  } catch (error) {
    return hasCode(error, 'EPERM');
  }
}
