import { spawn, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { closeSync, openSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { choosePort } from '../../apps/local/src/free-port';
import { waitFor } from '../support/wait-for';
import { startFaultProxy, type FaultProxy } from './fault-proxy';

/** The folder of the built apps: this file is built beside them. */
const BUILT = join(__dirname, '..', '..');
const READY_DEADLINE_MS = 30_000;

export type AppKind = 'api' | 'dispatcher';

/** Of a log's end, as much as tells why its process ended. */
const LAST_WORDS = 3_000;

/** One place for a process of an app, with proxies of its own to the servers it needs. */
export interface Slot {
  readonly name: string;
  readonly kind: AppKind;
  readonly postgres: FaultProxy;
  readonly redis: FaultProxy | null;
  app: RunningApp;
}

export interface RunningApp {
  readonly child: ChildProcess;
  readonly url: string;
  /** Monotonic ms. */
  readonly startedAt: number;
}

export interface FleetOptions {
  postgresUrl: string;
  redisUrl: string | null;
  env: Record<string, string>;
  /** Where the apps' logs go. */
  folder: string;
  /** A module that the dispatchers load before their own, to plant a fault. */
  preload: string | null;
}

/** The apps of one installation, as processes. */
export interface Fleet {
  readonly slots: readonly Slot[];
  /** Ends of processes that nobody asked for. */
  readonly crashes: readonly string[];
  of(kind: AppKind): Slot[];
  /** Addresses of the API's processes. */
  apiUrls(): string[];
  untilReady(slots?: readonly Slot[]): Promise<void>;
  /** `kill -9`; resolves when the process has ended. */
  kill(slot: Slot): Promise<void>;
  /** Starts a process in a slot whose last one has ended. */
  start(slot: Slot): Promise<void>;
  /** Starts a successor, then stops the present one gently; @returns its exit status. */
  replace(slot: Slot): Promise<number | null>;
  stop(): Promise<void>;
}

export async function startFleet(counts: Record<AppKind, number>, options: FleetOptions): Promise<Fleet> {
  const crashes: string[] = [];
  const asked = new WeakSet<ChildProcess>();
  const running = new Set<ChildProcess>();
  const slots: Slot[] = [];

  const launch = async (place: Omit<Slot, 'app'>): Promise<RunningApp> => {
    const port = await choosePort(0, '127.0.0.1');
    const logFile = join(options.folder, `${place.name}.log`);
    const log = openSync(logFile, 'a');
    const child = spawn(process.execPath, [join(BUILT, 'apps', place.kind, 'main.js')], {
      env: {
        PATH: process.env['PATH'],
        ...options.env,
        DATABASE_URL: place.postgres.url,
        REDIS_URL: place.redis?.url ?? '',
        [place.kind === 'api' ? 'PORT' : 'DISPATCHER_PORT']: String(port),
        ...(options.preload !== null && place.kind === 'dispatcher'
          ? { NODE_OPTIONS: `--require ${options.preload}` }
          : {}),
      },
      stdio: ['ignore', log, log],
    });
    closeSync(log);
    running.add(child);
    child.on('exit', (status, signal) => {
      running.delete(child);
      if (!asked.has(child))
        crashes.push(
          `${place.name} ended by itself: ${String(signal ?? status)}; its last words:\n${lastWords(logFile)}`,
        );
    });
    await once(child, 'spawn');
    return { child, url: `http://127.0.0.1:${String(port)}`, startedAt: performance.now() };
  };
  const end = async (child: ChildProcess, signal: NodeJS.Signals): Promise<number | null> => {
    asked.add(child);
    if (child.exitCode !== null || child.signalCode !== null) return child.exitCode;
    const ended = once(child, 'exit');
    child.kill(signal);
    await ended;
    return child.exitCode;
  };
  const isReady = async ({ app }: Slot): Promise<boolean> => {
    const response = await fetch(`${app.url}/readyz`, { signal: AbortSignal.timeout(2_000) }).catch(() => null);
    await response?.body?.cancel();
    return response?.status === 200;
  };

  const fleet: Fleet = {
    slots,
    crashes,
    of: (kind) => slots.filter((slot) => slot.kind === kind),
    apiUrls: () => slots.filter(({ kind }) => kind === 'api').map(({ app }) => app.url),
    async untilReady(wanted = slots) {
      for (const slot of wanted) await waitFor(`${slot.name} to be ready`, () => isReady(slot), READY_DEADLINE_MS);
    },
    async kill(slot) {
      await end(slot.app.child, 'SIGKILL');
    },
    async start(slot) {
      slot.app = await launch(slot);
    },
    async replace(slot) {
      const { child } = slot.app;
      const successor = await launch(slot);
      await waitFor(`the next ${slot.name} to be ready`, () => isReady({ ...slot, app: successor }), READY_DEADLINE_MS);
      slot.app = successor;
      return end(child, 'SIGTERM');
    },
    async stop() {
      for (const child of running) await end(child, 'SIGKILL');
      for (const { postgres, redis } of slots) await Promise.all([postgres.stop(), redis?.stop()]);
    },
  };
  for (const kind of ['api', 'dispatcher'] as const)
    for (let number = 1; number <= counts[kind]; number += 1) {
      const place = {
        name: `${kind}-${String(number)}`,
        kind,
        postgres: await startFaultProxy(options.postgresUrl),
        redis: options.redisUrl === null ? null : await startFaultProxy(options.redisUrl),
      };
      slots.push({ ...place, app: await launch(place) });
    }
  return fleet;
}

function lastWords(logFile: string): string {
  return readFileSync(logFile, 'utf8').slice(-LAST_WORDS);
}
