import { setTimeout as delay } from 'node:timers/promises';
import { Inject, Injectable, type BeforeApplicationShutdown, type OnApplicationBootstrap } from '@nestjs/common';
import { ENVIRONMENT } from '#config/config.module';
import type { Environment } from '#config/environment';
import { DatabaseConnection } from '#database/database-connection';
import { GroupCommit } from '#kernel/group-commit';
import type { DeliveryClient } from '#delivery-client/delivery-client';
import { HealthChecks } from '#observability/health-checks';
import type { Logger } from '#observability/logger';
import { LOGGER } from '#observability/observability.module';
import { QUEUE_BACKEND } from '#queues/queues.module';
import type { Consumer, QueueBackend } from '#queues/queue-backend';
import {
  EVENT_QUEUE,
  INBOUND_QUEUE,
  WAKE_UP_QUEUE,
  type EventJob,
  type InboundJob,
  type WakeUpJob,
} from '#queues/queue-names';
import { Attempt, DELIVERY_CLIENT } from './attempt/attempt';
import type { DeliveryWork } from './lanes/delivery-work';
import { Lanes } from './lanes/lanes';
import { OpenBatches } from './batches/open-batches';
import { FanOut } from './fan-out/fan-out';
import { WebhookHealth } from './webhooks/health-monitor/webhook-health';
import { InboundActions } from './inbound-actions/inbound-actions';
import { DispatcherIdentity } from './ownership/dispatcher-identity';
import { Reconciler } from './reconcile/reconciler';
import { Claims } from './retry/claims';
import { ScheduledWork } from './scheduled-work';

/** Event jobs taken at once. Those that come while others are at work go together, in the same two statements. */
const EVENT_JOBS_AT_ONCE = 16;
/** Jobs in one fan-out, and fan-outs at once; each holds a database connection. */
const FAN_OUT_GROUP = { maxItems: 8, maxBytes: 1, maxConcurrent: 2, maxWaiting: Number.MAX_SAFE_INTEGER };
const SWEEP_MS = 250;
const CONSUMER_CLOSE_MS = 3_000;

/**
 * The dispatcher's life: waits for the database, takes jobs, and stops in order, so that a delivery is
 * either finished and recorded or handed back.
 */
@Injectable()
export class Dispatcher implements OnApplicationBootstrap, BeforeApplicationShutdown {
  private readonly consumers: Consumer[] = [];
  private readonly fanOuts = new GroupCommit<string[], null>(
    async (jobs) => {
      await this.fanOut.run(jobs.flat());
      return jobs.map(() => null);
    },
    () => true,
    { ...FAN_OUT_GROUP, bytesOf: () => 0 },
  );
  private started = false;
  private stopping = false;
  private sweeping: NodeJS.Timeout | undefined;

  constructor(
    @Inject(ENVIRONMENT) private readonly environment: Environment,
    @Inject(QUEUE_BACKEND) private readonly queues: QueueBackend,
    @Inject(DELIVERY_CLIENT) private readonly client: DeliveryClient,
    private readonly database: DatabaseConnection,
    private readonly identity: DispatcherIdentity,
    private readonly lanes: Lanes,
    private readonly openBatches: OpenBatches,
    private readonly fanOut: FanOut,
    private readonly deliver: Attempt,
    private readonly claims: Claims,
    private readonly inbound: InboundActions,
    private readonly reconciler: Reconciler,
    private readonly scheduled: ScheduledWork,
    private readonly health: WebhookHealth,
    private readonly checks: HealthChecks,
    @Inject(LOGGER) private readonly logger: Logger,
  ) {}

  onApplicationBootstrap(): void {
    this.checks.register('database', { required: true }, () => this.database.problem());
    this.checks.register('queue', { required: false }, () => this.queues.problem());
    this.checks.register('dispatching', { required: true }, () =>
      Promise.resolve(this.identity.maySend() ? null : 'waiting to register with the database'),
    );
    this.lanes.connect(
      (work) => void this.attempt(work),
      (webhook) => {
        this.claims.wantMore(webhook);
      },
    );
    this.health.connect(
      (webhookId, forMs) => {
        this.park(webhookId, forMs);
      },
      (webhook) => {
        this.claims.wantMore(webhook);
      },
    );
    void this.start();
  }

  async beforeApplicationShutdown(): Promise<void> {
    this.stopping = true;
    if (!this.started) return;
    // A consumer whose queue is away may not close; it then takes no more jobs either.
    const closed = Promise.all(this.consumers.map((consumer) => consumer.close()));
    await Promise.all([
      Promise.race([closed, delay(CONSUMER_CLOSE_MS, undefined, { ref: false })]),
      this.reconciler.stop(),
    ]);
    await this.fanOut.stop();
    this.lanes.pause();
    await this.claims.untilIdle(); // what it brings into the lanes is handed back below
    const handedBack = Promise.all(this.lanes.drain().map((work) => this.deliver.settle(work, 'queued', Date.now())));
    const graceMs = this.environment.stopDeadlineMs / 2;
    await Promise.all([this.client.close(graceMs), this.inbound.stop(graceMs)]);
    await handedBack;
    await this.lanes.untilIdle();
    await this.openBatches.stop();
    clearInterval(this.sweeping);
    await this.scheduled.stop();
    await this.identity.stop();
    this.logger.info('stopped; nothing is in flight');
  }

  private async start(): Promise<void> {
    await this.database.untilReady();
    if (this.stopping) return;
    this.started = true;
    this.identity.start(() => {
      this.openBatches.forget(); // they are another's by now
      this.lanes.drain();
    });
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
    this.sweeping = setInterval(() => {
      this.lanes.sweep();
    }, SWEEP_MS);
    this.openBatches.start();
    this.inbound.start();
    this.reconciler.start();
    this.scheduled.start();
  }

  /** Nobody answers at a webhook: what stands in its lane waits in the database for the probe. */
  private park(webhookId: string, forMs: number): void {
    for (const work of this.lanes.drainLane(webhookId)) {
      void this.deliver.settle(work, 'throttled', Date.now() + forMs);
    }
  }

  private async wakeUp(): Promise<void> {
    await this.reconciler.fanOutDue(0);
    await this.claims.claimAll();
    await this.inbound.claimAll();
  }

  private async attempt(work: DeliveryWork): Promise<void> {
    let wasAnswered = false;
    await this.deliver.attempt(work, (signal) => {
      wasAnswered = true;
      this.lanes.answered(work, signal);
    });
    this.lanes.finished(work, wasAnswered);
  }
}
