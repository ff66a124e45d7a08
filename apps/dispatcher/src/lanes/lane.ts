import type { LaneLimits, Pace } from './pace';
import type { TurnTaker } from './turns';
import type { WorkQueue } from './work-queue';

/** The deliveries of one webhook inside this dispatcher; only `Lanes` changes it. */
export interface Lane extends TurnTaker {
  webhookId: string;
  queue: WorkQueue;
  /** Requests on their way to the receiver. */
  inFlight: number;
  /** Requests that have ended and whose outcome is not committed yet. */
  unrecorded: number;
  /** Requests it may have under way: halves, down to one, while the endpoint is unreachable; doubles with each response. */
  limit: number;
  /** Whether more of it waits in the database. */
  backlogged: boolean;
  ready: boolean;
  limits: LaneLimits;
  pace: Pace | null;
  /** Waits for the pace. */
  timer: NodeJS.Timeout | null;
}

/** Deliveries that a lane holds, waiting or started. */
export function sizeOf(lane: Lane): number {
  return lane.queue.length + lane.inFlight + lane.unrecorded;
}
