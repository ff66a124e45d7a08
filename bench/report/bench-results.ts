import type { Backend } from '../installation/product';
import type { Plan, WorkloadResult } from '../workloads/workload';
import type { Machine } from './machine';

export interface RunResult extends WorkloadResult {
  id: string;
  title: string;
  backend: Backend;
  tookSeconds: number;
}

/** All that a run of the bench has found. */
export interface BenchResults {
  startedAt: string;
  plan: Plan;
  machine: Machine;
  runs: RunResult[];
}
