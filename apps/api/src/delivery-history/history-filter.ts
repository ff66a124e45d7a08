import { firstUuidAt } from '#kernel/ids';
import type { DeliveryStatus } from './delivery-status';

/** Which deliveries of a webhook are meant; instants are of their creation, Unix ms, half-open. */
export interface HistoryFilter {
  status?: DeliveryStatus;
  eventType?: string;
  fromMs?: number;
  untilMs?: number;
  /** Only what is older than this delivery; not for counts. */
  beforeId?: string;
}

const FIRST_UUID = '00000000-0000-0000-0000-000000000000';
/** More than clocks differ by: no id lies further ahead. Partitions do, and each costs the planner time. */
const AHEAD_MS = 86_400_000;

/** The ids of a range of instants, half-open: ids carry the instant of their creation. */
export function idRange(
  { fromMs, untilMs }: Pick<HistoryFilter, 'fromMs' | 'untilMs'>,
  nowMs: number = Date.now(),
): { from: string; until: string } {
  return {
    from: fromMs === undefined ? FIRST_UUID : firstUuidAt(fromMs),
    until: firstUuidAt(Math.min(untilMs ?? Infinity, nowMs + AHEAD_MS)),
  };
}
