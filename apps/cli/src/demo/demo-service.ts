import { fork, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { resolve } from 'node:path';
import { createInterface } from 'node:readline';
import { setTimeout as pause } from 'node:timers/promises';
import { configuredService, localState, runningService, type ServiceAddress } from '../running-service';
import type { StepLines } from './step-lines';
import { waitUntil } from '../wait-until';

/** The running service that the demo talks to. */
export interface DemoService extends ServiceAddress {
  /** Ends it when the demo has started it. */
  stop(): Promise<void>;
}

const LOCAL_START = resolve(__dirname, '..', '..', '..', 'local', 'main.js');
/** More than the local start takes to stop its apps and its database in order. */
const STOP_DEADLINE_MS = 30_000;

/**
 * The service at API_URL with TOKEN; else the local start that runs on DATA_DIR, else one that is started here.
 * @throws Error saying why there is none; the signal's reason once it is aborted.
 */
export async function findOrStartService(lines: StepLines, signal: AbortSignal): Promise<DemoService> {
  const configured = configuredService();
  if (configured !== undefined) {
    lines.done(`The service is the one at ${configured.apiUrl}`);
    return { ...configured, stop: () => Promise.resolve() };
  }
  const running = await runningService(signal);
  if (running !== undefined) {
    lines.done(`The service is running at ${running.apiUrl}`);
    return { ...running, stop: () => Promise.resolve() };
  }
  return startService(lines, signal);
}

async function startService(lines: StepLines, signal: AbortSignal): Promise<DemoService> {
  lines.note('No service is running here: starting one for the demo');
  const child = fork(LOCAL_START, [], {
    // A process group of its own: Ctrl-C reaches the demo alone, which then stops the service in order.
    detached: true,
    execArgv: ['--require', require.resolve('./stop-with-parent')],
    stdio: ['ignore', 'pipe', 'pipe', 'ipc'],
  });
  const output = forwardLines(child, lines);
  const exited = once(child, 'exit');
  const stop = async (): Promise<void> => {
    child.kill('SIGTERM');
    const inTime = await Promise.race([exited, pause(STOP_DEADLINE_MS, null, { ref: false })]);
    if (inTime === null) killGroup(child);
    lines.done(inTime === null ? 'The service did not stop in time and was killed' : 'The service is stopped again');
  };
  try {
    const { apiUrl, token } = await waitUntil(async () => {
      if (child.exitCode !== null) throw new Error('the service could not be started; its own words are above');
      const state = await localState();
      if (state?.pid !== child.pid || state?.apiUrl === undefined || state.token === undefined) return undefined;
      return { apiUrl: state.apiUrl, token: state.token };
    }, signal);
    output.mute();
    lines.done(`The service is ready at ${apiUrl}`);
    return { apiUrl, token, stop };
  } catch (error) {
    await stop();
    throw error;
  }
}

/** The service's own lines belong to the demo's until it is ready; its log later would only hide them. */
function forwardLines(child: ChildProcess, lines: StepLines): { mute: () => void } {
  let isMuted = false;
  for (const stream of [child.stdout, child.stderr]) {
    if (stream === null) continue;
    createInterface({ input: stream }).on('line', (line) => {
      if (!isMuted && line.trim() !== '' && !line.startsWith('{')) lines.note(line);
    });
  }
  return {
    mute: () => {
      isMuted = true;
    },
  };
}

function killGroup(child: ChildProcess): void {
  try {
    if (child.pid !== undefined) process.kill(-child.pid, 'SIGKILL');
  } catch {
    // It has ended meanwhile.
  }
}
