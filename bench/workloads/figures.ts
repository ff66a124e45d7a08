import type { Measured } from '../measure/measured';
import { median, quantile, spread } from '../measure/statistics';
import type { Figure, Plot, WorkloadResult } from './workload';

/** A curve of how many percent took how long at most. */
export function percentilesOf(ms: number[]): Plot['lines'][number]['points'] {
  const ranks = [...Array.from({ length: 20 }, (_, index) => index * 5), 96, 97, 98, 99, 99.5, 99.9];
  return ranks.map((rank) => [rank, quantile(ms, rank / 100)]);
}

export function medianFigure(name: string, values: number[], unit: string): Figure {
  return { name, value: median(values), unit, spread: spread(values) };
}

/** A figure with the most that it may be. */
export function atMost(name: string, value: number, unit: string, limit: number): Figure {
  return {
    name,
    value,
    unit,
    target: { limit: `≤ ${String(limit)}${unit === '' ? '' : ` ${unit}`}`, isMet: value <= limit },
  };
}

/** A figure with the least that it may be. */
export function atLeast(name: string, value: number, unit: string, limit: number): Figure {
  return {
    name,
    value,
    unit,
    target: { limit: `≥ ${String(limit)}${unit === '' ? '' : ` ${unit}`}`, isMet: value >= limit },
  };
}

/** Notes CPU, memory and problems of runs under a name; of the last where there are several. */
export function note(result: WorkloadResult, name: string, runs: readonly Measured[]): void {
  const last = runs.at(-1);
  if (last === undefined) return;
  result.cpu.push({ name, perThousand: last.cpuPerThousand });
  result.memory.push({ name, mebibytes: last.peakMebibytes });
  result.problems.push(...runs.flatMap((run) => run.problems));
}

/** CPU seconds of what is measured, without generator and receiver. */
export function cpuOf({ cpuPerThousand: { api, dispatcher, postgres, redis } }: Measured): number {
  return api + dispatcher + postgres + redis;
}
