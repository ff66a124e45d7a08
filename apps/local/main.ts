import { existsSync } from 'node:fs';
import { once } from 'node:events';
import { hasCode } from './src/error-code';
import { startLocal, type Started } from './src/start-local';

/** A terminal and npm both hand on one Ctrl-C; only one that comes later than this is a second. */
const SAME_SIGNAL_MS = 1_000;

const STOP_SIGNALS = ['SIGINT', 'SIGTERM', 'SIGHUP'] as const;

const stopping = new AbortController();
const started: Started[] = [];
let failure: Error | undefined;

function log(message: string): void {
  console.log(`[${(performance.now() / 1_000).toFixed(1).padStart(5)} s] ${message}`);
}

function stopOnSignals(): void {
  let firstAtMs: number | undefined;
  for (const signal of STOP_SIGNALS) {
    process.on(signal, () => {
      if (firstAtMs === undefined) {
        firstAtMs = performance.now();
        log('Stopping; once more to stop at once');
        stopping.abort();
      } else if (performance.now() - firstAtMs > SAME_SIGNAL_MS) {
        for (const running of started.toReversed()) running.kill?.();
        process.exit(1);
      }
    });
  }
}

function fail(error: unknown): void {
  failure ??= error instanceof Error ? error : new Error(String(error));
  stopping.abort();
}

function hintFor(error: Error): string {
  return hasCode(error, 'EACCES', 'EPERM')
    ? ' (start as the user whom DATA_DIR belongs to, or choose another DATA_DIR)'
    : '';
}

async function main(): Promise<void> {
  // When the terminal is gone, stopping in order still matters.
  process.stdout.on('error', () => undefined);
  stopOnSignals();
  const stopRequested = once(stopping.signal, 'abort');
  try {
    if (existsSync('.env')) process.loadEnvFile('.env');
    await startLocal({ log, signal: stopping.signal, started, onGivenUp: fail });
    await stopRequested;
  } catch (error) {
    if (!stopping.signal.aborted) fail(error);
  }
  if (failure !== undefined) console.error(`\nCould not go on: ${failure.message}${hintFor(failure)}\n`);
  for (const running of started.toReversed()) await running.stop();
  if (started.length > 0) log('Stopped');
  process.exitCode = failure === undefined ? 0 : 1;
}

void main();
