import { uuidTimeMs } from './ids';

const HOUR_MS = 3_600_000;

let lastHourMs = Number.NaN;
let lastText = '';

/** {@link hourOfUuid} in Unix ms. */
export function hourMsOfUuid(uuid: string): number {
  const atMs = uuidTimeMs(uuid);
  return atMs - (atMs % HOUR_MS);
}

/** The hour, as ISO 8601 in UTC, in which an id was made: where statistics count its delivery. */
export function hourOfUuid(uuid: string): string {
  const hourMs = hourMsOfUuid(uuid);
  // Nearly always that of the id before.
  if (hourMs !== lastHourMs) {
    lastText = new Date(hourMs).toISOString();
    lastHourMs = hourMs;
  }
  return lastText;
}
