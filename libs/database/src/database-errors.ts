import { types } from 'node:util';
import { unavailable, type AppError } from '#kernel/app-error';

/**
 * SQLSTATE classes and codes that mean "the server is away or going away", not "the statement is wrong"; a missing
 * table or database is one that is not migrated yet.
 */
const AWAY_STATES = /^(08...|57P0[123]|53300|25006|42P01|3D000)$/;
const AWAY_CODES = new Set([
  'ECONNREFUSED',
  'ECONNRESET',
  'EPIPE',
  'ETIMEDOUT',
  'ENOTFOUND',
  'EAI_AGAIN',
  'EHOSTUNREACH',
  'ENETUNREACH',
  'ENOENT',
]);
const RETRY_AFTER_SECONDS = 2;
const AWAY_MESSAGES =
  /Connection terminated|timeout exceeded when trying to connect|Client was closed|connection timeout|not queryable|DataSource is not (initialized|connected|set)|after calling end on the pool|Driver not Connected/i;

/** Whether an error of the driver or of TypeORM says that the database cannot be reached just now. */
export function isDatabaseAway(error: unknown): boolean {
  if (!isError(error)) return false;
  const code = codeOf(error);
  if (code !== null && (AWAY_STATES.test(code) || AWAY_CODES.has(code))) return true;
  if (AWAY_MESSAGES.test(error.message)) return true;
  if ('errors' in error && Array.isArray(error.errors) && error.errors.some(isDatabaseAway)) return true;
  return isDatabaseAway(error.cause) || isDatabaseAway((error as { driverError?: unknown }).driverError);
}

/** The answer to a request that needs the database while it is away. */
export function databaseAway(cause: unknown): AppError {
  return unavailable('The database is not available at the moment; please try again', RETRY_AFTER_SECONDS, cause);
}

/** Whether the same statement may succeed when it is sent again: a deadlock, a lock or statement timeout, a cancelled one. */
export function isWorthRepeating(error: unknown): boolean {
  if (isDatabaseAway(error)) return true;
  return isError(error) && ['40001', '40P01', '55P03', '57014'].includes(codeOf(error) ?? '');
}

/** Whether an insert found no partition for its id, as after weeks in which no dispatcher ran. */
export function isMissingPartition(error: unknown): boolean {
  return isError(error) && codeOf(error) === '23514' && error.message.includes('no partition of relation');
}

function codeOf(error: Error): string | null {
  const { code } = error as { code?: unknown };
  return typeof code === 'string' ? code : null;
}

/** Also of an error that was made in another realm, as those of Node itself are under Jest. */
function isError(error: unknown): error is Error {
  return error instanceof Error || types.isNativeError(error);
}
