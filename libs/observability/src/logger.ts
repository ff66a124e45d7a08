import { types } from 'node:util';
import pino, { type Logger, type LoggerOptions } from 'pino';
import { withholdSecrets } from './withhold-secrets';

export type { Logger };

/**
 * An error as the log tells it: what it is, says, and where it came from. Its further fields stay out, since those of
 * database errors hold rows and parameters, which are payloads and secrets.
 */
function describe(thrown: unknown): object {
  if (!(thrown instanceof Error) && !types.isNativeError(thrown)) return { type: typeof thrown };
  const { code } = thrown as { code?: unknown };
  return {
    type: thrown.constructor.name,
    message: thrown.message,
    ...(typeof code === 'string' && { code }),
    stack: thrown.stack,
    ...(thrown.cause !== undefined && { cause: describe(thrown.cause) }),
  };
}

/** So much, in bytes, is written at once; at thousands of attempts a second a write for each line would be felt. */
const BLOCK_BYTES = 4_096;
const FLUSH_MS = 200;
const WARN = 40;

let output: ReturnType<typeof pino.destination> | null = null;

/** Standard output, written in blocks, after {@link FLUSH_MS} at the latest, and before the process exits for whatever reason but a kill. */
function blocksOfOutput(): ReturnType<typeof pino.destination> {
  if (output === null) {
    const made = pino.destination({ fd: process.stdout.fd, sync: true, minLength: BLOCK_BYTES });
    // Not flushSync, which also syncs the file to the disk, where PostgreSQL's commits wait behind it.
    setInterval(() => {
      made.flush();
    }, FLUSH_MS).unref();
    process.once('exit', () => {
      made.flushSync();
    });
    output = made;
  }
  return output;
}

/**
 * The process's logger: one JSON object a line on standard output.
 * ERROR means that someone must act now; a receiver's failure is information.
 */
export function createLogger(level: string, service: string): Logger {
  const options: LoggerOptions = {
    level,
    base: { service, pid: process.pid },
    timestamp: pino.stdTimeFunctions.isoTime,
    formatters: { level: (label) => ({ level: label }), log: withholdSecrets },
    serializers: { err: describe },
  };
  if (level === 'silent') return pino(options);
  const destination = blocksOfOutput();
  return pino(
    {
      ...options,
      hooks: {
        logMethod(args, method, lineLevel) {
          method.apply(this, args);
          // Somebody may be waiting for it, and the process may not get to its next block.
          if (lineLevel >= WARN) destination.flush();
        },
      },
    },
    destination,
  );
}
