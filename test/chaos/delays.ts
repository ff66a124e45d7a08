import type { FaultRecord } from './faults';
import type { Promised } from './publisher';

/** For a kind of fault: how long a delivery took at most that fell due during it or within two seconds after. */
export interface DelayAfterFault {
  name: string;
  times: number;
  longestMs: number;
}

const AFTER_MS = 2_000;

/** One row for each kind of fault that happened; where faults follow closely, a delay counts for each of them. */
export function delaysAfterFaults(
  promised: readonly Promised[],
  succeeded: ReadonlyMap<string, number>,
  faults: readonly FaultRecord[],
): DelayAfterFault[] {
  const delays = promised.map(({ key, dueAt }) => ({ dueAt, tookMs: Math.max(0, (succeeded.get(key) ?? 0) - dueAt) }));
  const byName = new Map<string, DelayAfterFault>();
  for (const { name, startedAt, endedAt } of faults) {
    const row = byName.get(name) ?? { name, times: 0, longestMs: 0 };
    row.times += 1;
    for (const { dueAt, tookMs } of delays)
      if (dueAt >= startedAt && dueAt <= endedAt + AFTER_MS) row.longestMs = Math.max(row.longestMs, tookMs);
    byName.set(name, row);
  }
  return [...byName.values()].sort((a, b) => b.longestMs - a.longestMs);
}
