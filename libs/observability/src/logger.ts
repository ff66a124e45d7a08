import { types } from 'node:util';
import pino, { type Logger } from 'pino';

export type { Logger };

/** Fields that never reach the log, wherever they stand in a line. */
const SECRET_FIELDS = [
  'secret',
  'token',
  'authorization',
  'headers.authorization',
  '*.secret',
  '*.token',
  '*.authorization',
];

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

/**
 * The process's logger: one JSON object a line on standard output.
 * ERROR means that someone must act now; a receiver's failure is information.
 */
export function createLogger(level: string, service: string): Logger {
  return pino({
    level,
    base: { service, pid: process.pid },
    timestamp: pino.stdTimeFunctions.isoTime,
    formatters: { level: (label) => ({ level: label }) },
    serializers: { err: describe },
    redact: { paths: SECRET_FIELDS, censor: '[secret]' },
  });
}
