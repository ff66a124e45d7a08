import { spawn, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { closeSync, openSync } from 'node:fs';
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { choosePort } from '../../apps/local/src/free-port';
import { waitFor } from '../../test/support/wait-for';

/** The folder of the built programs: this file is built beside them. */
const BUILT = join(__dirname, '..', '..');
const READY_DEADLINE_MS = 60_000;
const STOP_DEADLINE_MS = 20_000;

/** One of the measured processes. */
export interface AppProcess {
  readonly pid: number;
  readonly port: number;
  hasEnded(): boolean;
  /** Ends it at once. */
  kill(): Promise<void>;
  /** Ends it in order, or at once when it takes too long. */
  stop(): Promise<void>;
}

export interface AppOptions {
  /** The folder of the built programs; by default the one of this bench. */
  built: string | null;
  /** Of the built program, below `dist`. */
  program: string;
  /** Also of its log. */
  name: string;
  portVariable: 'PORT' | 'DISPATCHER_PORT';
  env: Record<string, string>;
  /** Where the log goes. */
  folder: string;
  nodeOptions: string[];
}

const running = new Set<ChildProcess>();

/** Ends every program that still runs, as when the bench itself is ended. */
export function killApps(): void {
  for (const child of running) child.kill('SIGKILL');
}

/** Starts a program on a free port and waits until `/readyz` is 200. @throws Error with the end of its log. */
export async function startApp(options: AppOptions): Promise<AppProcess> {
  const port = await choosePort(0, '127.0.0.1');
  const logFile = join(options.folder, `${options.name}.log`);
  const log = openSync(logFile, 'a');
  const child = spawn(process.execPath, [...options.nodeOptions, join(options.built ?? BUILT, options.program)], {
    env: { PATH: process.env['PATH'], ...options.env, [options.portVariable]: String(port) },
    stdio: ['ignore', log, log],
  });
  closeSync(log);
  running.add(child);
  child.once('exit', () => running.delete(child));
  const hasEnded = (): boolean => child.exitCode !== null || child.signalCode !== null;
  const lastOfLog = async (): Promise<string> => (await readFile(logFile, 'utf8')).slice(-2_000);
  await waitFor(
    `${options.name} to be ready`,
    async () => {
      if (hasEnded()) throw new Error(`${options.name} ended:\n${await lastOfLog()}`);
      return isReady(port);
    },
    READY_DEADLINE_MS,
  );
  return {
    pid: child.pid ?? 0,
    port,
    hasEnded,
    kill: () => end(child, 'SIGKILL'),
    async stop() {
      const timer = setTimeout(() => child.kill('SIGKILL'), STOP_DEADLINE_MS);
      await end(child, 'SIGTERM');
      clearTimeout(timer);
    },
  };
}

async function isReady(port: number): Promise<boolean> {
  const url = `http://127.0.0.1:${String(port)}/readyz`;
  const response = await fetch(url, { signal: AbortSignal.timeout(2_000) }).catch(() => null);
  await response?.body?.cancel();
  return response?.status === 200;
}

async function end(child: ChildProcess, signal: NodeJS.Signals): Promise<void> {
  if (child.exitCode !== null || child.signalCode !== null) return;
  const ended = once(child, 'exit');
  child.kill(signal);
  await ended;
}
