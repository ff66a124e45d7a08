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
const LAST_UUID = 'ffffffff-ffff-ffff-ffff-ffffffffffff';

/** The ids of a range of instants, half-open: ids carry the instant of their creation. */
export function idRange({ fromMs, untilMs }: Pick<HistoryFilter, 'fromMs' | 'untilMs'>): {
  from: string;
  until: string;
} {
  return {
    from: fromMs === undefined ? FIRST_UUID : firstUuidAt(fromMs),
    until: untilMs === undefined ? LAST_UUID : firstUuidAt(untilMs),
  };
}
