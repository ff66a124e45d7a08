import type { ErrorClass } from './outcome';

/** After so many attempts in a row that nobody answered, and so long since the first, a webhook is only probed. */
const UNREACHABLE_AFTER_ATTEMPTS = 10;
const UNREACHABLE_AFTER_MS = 5_000;

const FIRST_PROBE_MS = 10_000;
const MAX_PROBE_MS = 300_000;

/** Error classes after which nobody seems to be there; an answer, even a 500, is none of them. */
const UNREACHABLE: ReadonlySet<string> = new Set<ErrorClass>([
  'connect_timeout',
  'connection_refused',
  'dns_error',
  'host_unreachable',
  'timeout',
]);

/** Whether an attempt found nobody there. `failure` is what `failureClassOf` says. */
export function isUnreachable(failure: string | null): boolean {
  return failure !== null && UNREACHABLE.has(failure);
}

/** Milliseconds until the next probe after one that waited `lastMs`; null for the first. Doubles from 10 s to 5 minutes. */
export function probeAfterMs(lastMs: number | null): number {
  return lastMs === null ? FIRST_PROBE_MS : Math.min(lastMs * 2, MAX_PROBE_MS);
}

/** Counts attempts of one webhook that nobody answered, one after the other. */
export interface UnreachableStreak {
  count: number;
  /** Unix ms of the first. */
  sinceMs: number;
}

/** The streak after one more. */
export function lengthen(streak: UnreachableStreak | undefined, nowMs: number): UnreachableStreak {
  return streak === undefined ? { count: 1, sinceMs: nowMs } : { count: streak.count + 1, sinceMs: streak.sinceMs };
}

/** Whether it is time to stop sending and probe instead. */
export function isConfirmedUnreachable(streak: UnreachableStreak, nowMs: number): boolean {
  return streak.count >= UNREACHABLE_AFTER_ATTEMPTS && nowMs - streak.sinceMs >= UNREACHABLE_AFTER_MS;
}
