import { setTimeout as delay } from 'node:timers/promises';
import { Inject, Injectable } from '@nestjs/common';
import { GroupCommit } from '#kernel/group-commit';
import type { Consumer, QueueBackend } from '#queues/queue-backend';
import {
  EVENT_QUEUE,
  INBOUND_QUEUE,
  WAKE_UP_QUEUE,
  type EventJob,
  type InboundJob,
  type WakeUpJob,
} from '#queues/queue-names';
import { QUEUE_BACKEND } from '#queues/queues.module';
import { FanOut } from './fan-out/fan-out';
import { InboundActions } from './inbound-actions/inbound-actions';
import { OverdueBatches } from './reconcile/overdue-batches';
import { Claims } from './retry/claims';

/** Event jobs taken at once. Those that come while others are being fanned out go together, in the same two statements. */
const EVENT_JOBS_AT_ONCE = 16;
/** Jobs in one fan-out, and fan-outs at once; each holds a database connection. */
const FAN_OUT_GROUP = { maxItems: 8, maxBytes: 1, maxConcurrent: 2, maxWaiting: Number.MAX_SAFE_INTEGER };
const CLOSE_MS = 3_000;

/** Takes jobs from the queues: each names event batches or inbound endpoints, or says that something has fallen due. */
@Injectable()
export class JobConsumers {
  private readonly consumers: Consumer[] = [];
  private readonly fanOuts = new GroupCommit<string[], null>(
    async (jobs) => {
      await this.fanOut.run(jobs.flat());
      return jobs.map(() => null);
    },
    () => true,
    { ...FAN_OUT_GROUP, bytesOf: () => 0 },
  );

  constructor(
    @Inject(QUEUE_BACKEND) private readonly queues: QueueBackend,
    private readonly fanOut: FanOut,
    private readonly overdue: OverdueBatches,
    private readonly claims: Claims,
    private readonly inbound: InboundActions,
  ) {}

  start(): void {
    this.consumers.push(
      this.queues.consume<EventJob>(
        EVENT_QUEUE,
        async (job) => void (await this.fanOuts.add(job.data.batchIds)),
        EVENT_JOBS_AT_ONCE,
      ),
      this.queues.consume<InboundJob>(
        INBOUND_QUEUE,
        (job) => Promise.resolve(this.inbound.claimFor(job.data.endpoints)),
        1,
      ),
      this.queues.consume<WakeUpJob>(WAKE_UP_QUEUE, () => this.wakeUp(), 1),
    );
  }

  /** Stops taking jobs. A consumer whose queue is away may never close; it takes no more jobs either. */
  async stop(): Promise<void> {
    const closed = Promise.all(this.consumers.map((consumer) => consumer.close()));
    await Promise.race([closed, delay(CLOSE_MS, undefined, { ref: false })]);
  }

  private async wakeUp(): Promise<void> {
    await this.overdue.fanOut(0);
    await this.claims.claimAll();
    await this.inbound.claimAll();
  }
}
