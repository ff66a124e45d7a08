import { uuidTimeMs } from './ids';

const HOUR_MS = 3_600_000;

/** The hour, as ISO 8601 in UTC, in which an id was made: where statistics count its delivery. */
export function hourOfUuid(uuid: string): string {
  return new Date(Math.floor(uuidTimeMs(uuid) / HOUR_MS) * HOUR_MS).toISOString();
}
