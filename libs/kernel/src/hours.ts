import { uuidTimeMs } from './ids';

const HOUR_MS = 3_600_000;

let lastHour = Number.NaN;
let lastText = '';

/** The hour, as ISO 8601 in UTC, in which an id was made: where statistics count its delivery. */
export function hourOfUuid(uuid: string): string {
  const hour = Math.floor(uuidTimeMs(uuid) / HOUR_MS);
  // Nearly always that of the id before.
  if (hour !== lastHour) {
    lastText = new Date(hour * HOUR_MS).toISOString();
    lastHour = hour;
  }
  return lastText;
}
