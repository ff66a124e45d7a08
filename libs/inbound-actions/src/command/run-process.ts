import { spawn } from 'node:child_process';
import { setTimeout as delay } from 'node:timers/promises';

export interface ProcessOptions {
  program: string;
  arguments: string[];
  workingDirectory: string;
  environment: Record<string, string>;
  timeoutMs: number;
  maxOutputBytes: number;
  /** Aborted: the process is ended as at its deadline. */
  signal: AbortSignal;
}

/** How a process ended; `started` is false when there never was one. */
export type ProcessResult =
  | { started: false; error: NodeJS.ErrnoException }
  | {
      started: true;
      exitCode: number | null;
      /** The signal that ended it, ours or another's. */
      signal: string | null;
      timedOut: boolean;
      interrupted: boolean;
      /** Standard output and error in the order of their arrival. */
      output: Buffer;
      /** Whether there was more than is kept. */
      truncated: boolean;
      durationMs: number;
    };

/** Between asking a process to end and ending it. */
const KILL_AFTER_MS = 2_000;
/** What a process left running in the background may hold its output open for so long; it is not waited for. */
const OUTPUT_AFTER_EXIT_MS = 500;

/**
 * Runs a program without a shell, in a process group of its own, and ends the whole group at the deadline. Output
 * beyond its cap is read and dropped, so that the program is not stopped by a full pipe.
 */
export async function runProcess(options: ProcessOptions): Promise<ProcessResult> {
  const startedAt = performance.now();
  let child;
  try {
    child = spawn(options.program, options.arguments, {
      cwd: options.workingDirectory,
      env: options.environment,
      stdio: ['ignore', 'pipe', 'pipe'],
      detached: true,
      shell: false,
      windowsHide: true,
    });
  } catch (error) {
    return { started: false, error: error as NodeJS.ErrnoException };
  }
  const output = new CappedOutput(options.maxOutputBytes);
  for (const stream of [child.stdout, child.stderr]) {
    stream.on('data', (chunk: Buffer) => {
      output.add(chunk);
    });
    stream.on('error', () => undefined); // it ends with the process
  }

  // An object, since it is changed from where the compiler does not look.
  const ending: { reason: 'deadline' | 'stop' | null } = { reason: null };
  let kill: NodeJS.Timeout | undefined;
  const end = (reason: 'deadline' | 'stop'): void => {
    if (ending.reason !== null) return;
    ending.reason = reason;
    signalGroup(child.pid, 'SIGTERM');
    kill = setTimeout(() => {
      signalGroup(child.pid, 'SIGKILL');
    }, KILL_AFTER_MS);
  };
  const deadline = setTimeout(() => {
    end('deadline');
  }, options.timeoutMs);
  const onAbort = (): void => {
    end('stop');
  };
  options.signal.addEventListener('abort', onAbort, { once: true });
  if (options.signal.aborted) onAbort();

  try {
    const closed = new Promise((resolve) => child.once('close', resolve));
    const exit = await new Promise<{ code: number | null; signal: string | null } | NodeJS.ErrnoException>(
      (resolve) => {
        child.once('error', resolve);
        child.once('exit', (code, signal) => {
          resolve({ code, signal });
        });
      },
    );
    if (exit instanceof Error) return { started: false, error: exit };
    const patience = new AbortController();
    await Promise.race([
      closed,
      delay(OUTPUT_AFTER_EXIT_MS, undefined, { signal: patience.signal }).catch(() => undefined),
    ]);
    patience.abort();
    return {
      started: true,
      exitCode: exit.code,
      signal: exit.signal,
      timedOut: ending.reason === 'deadline',
      interrupted: ending.reason === 'stop',
      output: output.bytes(),
      truncated: output.truncated,
      durationMs: Math.round(performance.now() - startedAt),
    };
  } finally {
    clearTimeout(deadline);
    clearTimeout(kill);
    options.signal.removeEventListener('abort', onAbort);
    if (ending.reason !== null) signalGroup(child.pid, 'SIGKILL'); // those of the group that outlived its leader
    child.stdout.destroy();
    child.stderr.destroy();
  }
}

/** The group has the id of its first process, and outlives it as long as one member lives. */
function signalGroup(pid: number | undefined, signal: NodeJS.Signals): void {
  if (pid === undefined) return;
  try {
    process.kill(-pid, signal);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'ESRCH') throw error;
  }
}

class CappedOutput {
  private readonly chunks: Buffer[] = [];
  private size = 0;
  truncated = false;

  constructor(private readonly maxBytes: number) {}

  add(chunk: Buffer): void {
    const part = chunk.subarray(0, this.maxBytes - this.size);
    if (part.length < chunk.length) this.truncated = true;
    if (part.length === 0) return;
    this.chunks.push(part);
    this.size += part.length;
  }

  bytes(): Buffer {
    return Buffer.concat(this.chunks, this.size);
  }
}
