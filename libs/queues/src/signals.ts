import type { Queue } from 'bullmq';
import type { Logger } from '#observability/logger';
import type { QueueBackend } from './queue-backend';
import {
  EVENT_QUEUE,
  INBOUND_QUEUE,
  WAKE_UP_QUEUE,
  type EventJob,
  type InboundEndpoint,
  type InboundJob,
  type WakeUpJob,
} from './queue-names';
import { SharedJobs } from './shared-jobs';

/** An inbound request that is to be acted on. */
export interface AcceptedRequest extends InboundEndpoint {
  id: string;
}

/** Signals under way at once; beyond it they are dropped, since a queue that stalls must not fill memory. */
const MAX_UNDER_WAY = 1_000;
/** Waiting deliveries that fall due within one bucket share one wake-up. */
const WAKE_UP_BUCKET_MS = 250;
const REMEMBERED_BUCKETS = 10_000;

/**
 * Adds jobs without making anyone wait: a signal that is lost costs a second of latency, until the
 * reconciler finds the work in the database, and nothing else.
 */
export class Signals {
  private readonly queues = new Map<string, Promise<Queue | null>>();
  private readonly opened = new Map<string, Queue>();
  private readonly announcedBuckets = new Set<number>();
  private underWay = 0;
  private failing = false;
  // A job id of our own: on PostgreSQL BullMQ would else make a sequence, which the apps' role may not.
  private readonly events = new SharedJobs<string>((batchIds) =>
    this.add(EVENT_QUEUE, { batchIds }, { jobId: batchIds[0] }),
  );
  private readonly inbound = new SharedJobs<AcceptedRequest>((requests) =>
    this.add(INBOUND_QUEUE, { endpoints: endpointsOf(requests) }, { jobId: requests[0].id }),
  );

  constructor(
    private readonly backend: QueueBackend,
    private readonly logger: Logger,
  ) {}

  /**
   * Tells dispatchers of batches of events that are committed: at once, or together with others as soon as the job that
   * is being added is there. Never throws.
   */
  eventsAccepted(batchIds: string[]): void {
    this.events.add(batchIds);
  }

  /** Tells dispatchers in the same way of inbound requests that are committed and have actions to be run. Never throws. */
  inboundAccepted(requests: AcceptedRequest[]): void {
    // Without their bodies, however long they wait.
    this.inbound.add(requests.map(({ id, tenantId, endpointId }) => ({ id, tenantId, endpointId })));
  }

  /** Asks for a look at waiting deliveries when some fall due. Never throws. */
  wakeUpAt(dueAtMs: number, nowMs: number): void {
    const bucket = Math.ceil(dueAtMs / WAKE_UP_BUCKET_MS);
    if (this.announcedBuckets.has(bucket)) return;
    if (this.announcedBuckets.size >= REMEMBERED_BUCKETS) this.announcedBuckets.clear();
    this.announcedBuckets.add(bucket);
    const atMs = bucket * WAKE_UP_BUCKET_MS;
    const job: WakeUpJob = { atMs };
    void this.add(WAKE_UP_QUEUE, job, { delay: Math.max(0, atMs - nowMs), jobId: `wake-${bucket}` });
  }

  /** Waits until the queues are open, for tests and for a publisher that just started. */
  async untilOpen(): Promise<void> {
    await Promise.all([EVENT_QUEUE, WAKE_UP_QUEUE, INBOUND_QUEUE].map((name) => this.open(name)));
  }

  /** Resolves once the job is there or refused; null when there is no queue to add it to now. */
  private add(
    name: string,
    job: EventJob | WakeUpJob | InboundJob,
    options: { delay?: number; jobId: string },
  ): Promise<void> | null {
    const queue = this.opened.get(name);
    if (queue === undefined) {
      void this.open(name);
      return null;
    }
    if (this.underWay >= MAX_UNDER_WAY) return null;
    this.underWay += 1;
    return queue
      .add(name, job, options)
      .then(
        () => {
          this.failing = false;
        },
        (error: unknown) => {
          if (!this.failing)
            this.logger.warn(
              { queue: name, error: String(error) },
              'signals cannot be sent; the reconciler finds the work',
            );
          this.failing = true;
        },
      )
      .finally(() => {
        this.underWay -= 1;
      });
  }

  private open(name: string): Promise<Queue | null> {
    let opening = this.queues.get(name);
    if (opening === undefined) {
      opening = this.backend.openQueue(name).then((queue) => {
        if (queue !== null) this.opened.set(name, queue);
        return queue;
      });
      this.queues.set(name, opening);
    }
    return opening;
  }
}

function endpointsOf(requests: AcceptedRequest[]): InboundEndpoint[] {
  const endpoints = new Map(
    requests.map(({ tenantId, endpointId }) => [endpointId, { tenantId, endpointId }] as const),
  );
  return [...endpoints.values()];
}
