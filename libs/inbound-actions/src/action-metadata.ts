import type { RequestMetadata } from '#inbound-rules/request-context';
import { formatId } from '#kernel/ids';
import type { ActionRun } from './action-run';

/** What functions and callbacks are told of a run beside what conditions and templates see of its request. */
export interface ActionMetadata extends RequestMetadata {
  /** The same in every attempt. */
  run_id: string;
  /** Counts from 1. */
  attempt: number;
  /** Whether the endpoint's owner made the request to try it out. */
  test: boolean;
}

export function metadataOf(run: ActionRun): ActionMetadata {
  return { ...run.context.metadata, run_id: formatId('run', run.id), attempt: run.attempt, test: run.isTest };
}
