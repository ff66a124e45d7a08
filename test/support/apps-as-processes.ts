import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { join } from 'node:path';
import { choosePort } from '../../apps/local/src/free-port';
import { APP_ENVIRONMENT } from './apps-in-process';
import { waitFor } from './wait-for';

const ROOT = join(__dirname, '..', '..');
const READY_DEADLINE_MS = 60_000;

/** What `/readyz` answers. */
export interface Readiness {
  status: 'ok' | 'degraded' | 'unavailable';
  checks: Record<string, string>;
}

export interface TestProcess {
  readonly pid: number;
  /** What it wrote so far, both streams. */
  output(): string;
  hasEnded(): boolean;
  /** Resolves with the exit status, or with the name of the signal that ended it. */
  readonly ended: Promise<number | string>;
  /** Sends the signal and waits for the end. */
  end(signal: 'SIGTERM' | 'SIGKILL'): Promise<number | string>;
}

/** One of our apps as a process, started by its production entry point. */
export interface AppProcess extends TestProcess {
  readonly url: string;
  /** Null while it does not listen. */
  readiness(): Promise<Readiness | null>;
  untilReady(): Promise<void>;
}

/** Starts `dist/apps/<name>/main.js`, which must be built, on a free port; does not wait for it. */
export async function startApp(
  name: 'api' | 'dispatcher',
  databaseUrl: string,
  env: Record<string, string> = {},
): Promise<AppProcess> {
  const port = await choosePort(0, '127.0.0.1');
  const child = startProcess(process.execPath, [join('dist', 'apps', name, 'main.js')], {
    ...APP_ENVIRONMENT,
    DATABASE_URL: databaseUrl,
    ...env,
    [name === 'api' ? 'PORT' : 'DISPATCHER_PORT']: String(port),
  });
  const url = `http://127.0.0.1:${port}`;
  const readiness: AppProcess['readiness'] = async () => {
    const response = await fetch(`${url}/readyz`, { signal: AbortSignal.timeout(5_000) }).catch(() => null);
    return response === null ? null : ((await response.json()) as Readiness);
  };
  return {
    ...child,
    url,
    readiness,
    async untilReady() {
      const isReady = async (): Promise<boolean> => {
        if (child.hasEnded()) throw new Error(`the ${name} ended:\n${child.output()}`);
        const found = await readiness();
        return found !== null && found.status !== 'unavailable';
      };
      await waitFor(`the ${name} to be ready`, isReady, READY_DEADLINE_MS);
    },
  };
}

/** A process in the project's folder, with this environment and nothing of the tests' own. */
export function startProcess(program: string, programArguments: string[], env: Record<string, string>): TestProcess {
  const child = spawn(program, programArguments, {
    cwd: ROOT,
    env: { PATH: process.env['PATH'], HOME: process.env['HOME'], TMPDIR: process.env['TMPDIR'], ...env },
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  let output = '';
  for (const stream of [child.stdout, child.stderr]) stream.on('data', (chunk: Buffer) => (output += chunk.toString()));
  const ended = once(child, 'close').then(() => child.exitCode ?? child.signalCode ?? 'unknown');
  return {
    pid: child.pid ?? 0,
    output: () => output,
    hasEnded: () => child.exitCode !== null || child.signalCode !== null,
    ended,
    end(signal) {
      child.kill(signal);
      return ended;
    },
  };
}
