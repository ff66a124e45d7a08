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
 * The process's logger: one JSON object a line on standard output.
 * ERROR means that someone must act now; a receiver's failure is information.
 */
export function createLogger(level: string, service: string): Logger {
  return pino({
    level,
    base: { service, pid: process.pid },
    timestamp: pino.stdTimeFunctions.isoTime,
    formatters: { level: (label) => ({ level: label }) },
    redact: { paths: SECRET_FIELDS, censor: '[secret]' },
  });
}
