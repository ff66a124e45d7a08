import type { Installation } from '../installation/installation';
import type { Backend } from '../installation/product';
import type { Bed, BedOptions } from '../measure/bed';
import type { Role } from '../measure/measured';

/** How long and how often things are measured. */
export interface Plan {
  isQuick: boolean;
  /** Before the first measurement of a process, which the engine spends compiling. */
  warmUpSeconds: number;
  measureSeconds: number;
  /** Of product and bare pipeline, in turns. */
  repeats: number;
  soakSeconds: number;
  burstEvents: number;
}

/** One number of a workload. */
export interface Figure {
  name: string;
  value: number;
  unit: string;
  /** Of the repetitions, as a share of the median. */
  spread?: number;
  /** A target, and whether it is met. */
  target?: { limit: string; isMet: boolean };
}

/** Lines of a plot. */
export interface Plot {
  title: string;
  xLabel: string;
  yLabel: string;
  isLogarithmic?: boolean;
  lines: { name: string; points: [number, number][] }[];
}

export interface WorkloadResult {
  figures: Figure[];
  /** CPU seconds for 1,000 deliveries. */
  cpu: { name: string; perThousand: Partial<Record<Role, number>> }[];
  memory: { name: string; mebibytes: Partial<Record<Role, number>> }[];
  plots: Plot[];
  /** Where the run does not reconcile; then its figures are worth nothing. */
  problems: string[];
}

export interface Context {
  installation: Installation;
  backend: Backend;
  plan: Plan;
  bedOptions: BedOptions;
  /** Capacity of one webhook on this backend, deliveries per second, from W1; measured when W1 was left out. */
  capacity: { perSecond: number | null };
  say: (line: string) => void;
}

export interface Workload {
  id: string;
  title: string;
  /** Every backend by default; fewer where the queue plays no part in it, or not enough of one for a quick look. */
  runsOn?: 'the first backend' | 'the first backend when quick';
  run(context: Context): Promise<WorkloadResult>;
}

export function emptyResult(): WorkloadResult {
  return { figures: [], cpu: [], memory: [], plots: [], problems: [] };
}

/** Runs with a pipeline, reconciles it at the end, and stops it whatever happens. */
export async function withBed<T>(
  result: WorkloadResult,
  start: () => Promise<Bed>,
  work: (bed: Bed) => Promise<T>,
): Promise<T> {
  const bed = await start();
  try {
    const value = await work(bed);
    result.problems.push(...(await bed.reconcile()).map((problem) => `${bed.pipeline.name}: ${problem}`));
    return value;
  } finally {
    await bed.stop();
  }
}
