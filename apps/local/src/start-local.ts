import { spawn } from 'node:child_process';
import { createHash } from 'node:crypto';
import { once } from 'node:events';
import { mkdir, realpath } from 'node:fs/promises';
import { join, resolve } from 'node:path';
import { LocalDatabase } from './local-database';
import { localEnvironment } from './local-environment';
import { chooseLocalPorts, type LocalPorts } from './local-ports';
import { claimDataDir, removeLocalState, writeLocalState } from './local-state';
import { processesNaming, signalAll } from './process-list';
import { setting } from './setting';
import { SupervisedApp } from './supervised-app';
import { waitUntil } from './wait-until';

/** Where swc puts the apps, this one among them. */
const APPS = resolve(__dirname, '..', '..');
const LEFTOVER_DEADLINE_MS = 20_000;
const READY_DEADLINE_MS = 120_000;

/** Something that was started, and how to end it. */
export interface Started {
  stop(): Promise<void>;
  /** Ends it at once. */
  kill?(): void;
}

export interface LocalStart {
  log: (message: string) => void;
  /** Aborted when everything shall stop; no further step is begun then. */
  signal: AbortSignal;
  /** Gets everything that was started, in order: what comes last is to be stopped first. */
  started: Started[];
  /** Told when something ended and could not be brought back. */
  onGivenUp: (reason: Error) => void;
}

/**
 * Starts the whole service on this machine: database, migrations, API and dispatcher, and resolves when deliveries can
 * flow. Throws Error with what to do when something cannot be started.
 */
export async function startLocal(start: LocalStart): Promise<void> {
  const { log, signal, started } = start;
  const dataDir = resolve(setting('DATA_DIR') ?? '.data');
  const state = { pid: process.pid, startedAt: new Date().toISOString() };
  await mkdir(dataDir, { recursive: true, mode: 0o700 });
  const other = await claimDataDir(dataDir, state);
  if (other !== undefined) {
    const where = other.apiUrl === undefined ? 'and is starting' : `at ${other.apiUrl}`;
    throw new Error(`the service on ${dataDir} is already running ${where} (process ${other.pid})`);
  }
  started.push({ stop: async () => removeLocalState(dataDir) });
  const tag = await stopLeftoverApps(dataDir, log);

  // Deliveries may reach this machine itself, and metrics have no token: for nobody else, unless it is asked for.
  const host = setting('HOST') ?? '127.0.0.1';
  const ports = await chooseLocalPorts(host, log);
  signal.throwIfAborted();
  const databaseUrl = await database(start, dataDir);
  signal.throwIfAborted();
  const { env, token, tokenNote } = await localEnvironment({ dataDir, databaseUrl, host, ports, log });
  await migrate(env, signal);
  log('The database has the newest schema');

  startApps(start, env, tag);
  const urls = urlsOf(host, ports);
  await Promise.all([becomesReady('API', urls.apiUrl, signal), becomesReady('dispatcher', urls.dispatcherUrl, signal)]);
  await writeLocalState(dataDir, { ...state, ...urls, token });
  log('Ready\n');
  console.log(`  API         ${urls.apiUrl}\n  Swagger UI  ${urls.apiUrl}/docs\n  Token       ${tokenNote}\n`);
  console.log('  npm run demo shows a delivery; Ctrl-C stops everything.\n');
}

async function database({ log, started, onGivenUp }: LocalStart, dataDir: string): Promise<string> {
  const given = setting('DATABASE_URL');
  if (given !== undefined) {
    log('The database is the one in DATABASE_URL');
    return given;
  }
  log(`Starting PostgreSQL on ${dataDir}`);
  const local = await LocalDatabase.start({ dataDir, log, onGivenUp });
  started.push(local);
  log(`PostgreSQL is ready on port ${local.port}`);
  return local.url;
}

async function migrate(env: NodeJS.ProcessEnv, signal: AbortSignal): Promise<void> {
  const child = spawn(process.execPath, [join(APPS, 'cli', 'main.js'), 'migrate'], {
    env,
    stdio: ['ignore', 'inherit', 'inherit'],
    detached: true,
    signal,
  });
  await once(child, 'exit');
  if (child.exitCode !== 0) throw new Error('the migration of the database failed; its message is above');
}

function startApps({ log, started, onGivenUp }: LocalStart, env: NodeJS.ProcessEnv, tag: string): void {
  const apps = ['api', 'dispatcher'].map((name) => {
    const command: [string, ...string[]] = [process.execPath, join(APPS, name, 'main.js'), tag];
    return new SupervisedApp({ name, command, env, log, onGivenUp });
  });
  log('Starting the API and the dispatcher');
  started.push({
    async stop() {
      await Promise.all(apps.map(async (app) => app.stop()));
    },
    kill() {
      for (const app of apps) app.kill();
    },
  });
}

/**
 * Waits for the apps of an earlier start that was killed: they finish their work and end by themselves, and are killed
 * after 20 s. Answers the
 * argument by which the process list shows whose they are.
 */
async function stopLeftoverApps(dataDir: string, log: (message: string) => void): Promise<string> {
  const hash = createHash('sha256').update(await realpath(dataDir));
  const tag = `--local-start=${hash.digest('hex').slice(0, 16)}`;
  if ((await processesNaming(tag)).length === 0) return tag;
  // A signal would cut them short: they are stopping already, since their channel to us has closed.
  log('Waiting for the apps that an earlier start left running');
  const areGone = async () => (await processesNaming(tag)).length === 0;
  if (!(await waitUntil(areGone, { deadlineMs: LEFTOVER_DEADLINE_MS }))) {
    signalAll(await processesNaming(tag), 'SIGKILL');
    await waitUntil(areGone, { deadlineMs: LEFTOVER_DEADLINE_MS });
  }
  return tag;
}

function urlsOf(host: string, ports: LocalPorts): { apiUrl: string; dispatcherUrl: string } {
  const reachable = host === '0.0.0.0' || host === '::' ? '127.0.0.1' : host.includes(':') ? `[${host}]` : host;
  return { apiUrl: `http://${reachable}:${ports.api}`, dispatcherUrl: `http://${reachable}:${ports.dispatcher}` };
}

async function becomesReady(name: string, url: string, signal: AbortSignal): Promise<void> {
  const isReady = async () => {
    signal.throwIfAborted();
    const response = await fetch(`${url}/readyz`, {
      signal: AbortSignal.any([signal, AbortSignal.timeout(5_000)]),
    }).catch(() => undefined);
    await response?.body?.cancel();
    return response?.ok === true;
  };
  if (await waitUntil(isReady, { deadlineMs: READY_DEADLINE_MS, intervalMs: 50 })) return;
  throw new Error(`the ${name} is not ready after ${READY_DEADLINE_MS / 1_000} s (${url}/readyz says why)`);
}
