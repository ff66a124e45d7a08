import { Injectable } from '@nestjs/common';
import { HealthMonitor } from './webhooks/health-monitor/health-monitor';
import { WebhookHealth } from './webhooks/health-monitor/webhook-health';
import { OrderingQueueRepair } from './reconcile/repair-ordering-queues';
import type { Periodic } from './periodic/periodic';
import { BulkRedelivery } from './redelivery/bulk-redelivery';
import { Housekeeping } from './retention/housekeeping';
import { HeldDrain } from './retry/held-drain';
import { StorageMetrics } from './retention/storage-metrics';
import { Retention } from './retention/retention';
import { InboundUpkeep } from './inbound-upkeep/inbound-upkeep';
import { Rollup } from './rollup/rollup';

/** What a dispatcher does by the clock beside delivering; scheduled here, since a flushed Redis forgets its schedules. */
@Injectable()
export class ScheduledWork {
  constructor(
    private readonly rollup: Rollup,
    private readonly inboundUpkeep: InboundUpkeep,
    private readonly housekeeping: Housekeeping,
    private readonly retention: Retention,
    private readonly storage: StorageMetrics,
    private readonly redelivery: BulkRedelivery,
    private readonly health: WebhookHealth,
    private readonly healthMonitor: HealthMonitor,
    private readonly orderingQueues: OrderingQueueRepair,
    private readonly heldDrain: HeldDrain,
  ) {}

  start(): void {
    for (const work of this.all()) work.start();
  }

  /** Waits for what is under way. */
  async stop(): Promise<void> {
    await Promise.all(this.all().map((work) => work.stop()));
  }

  private all(): Periodic[] {
    return [
      this.rollup,
      this.inboundUpkeep,
      this.housekeeping,
      this.retention,
      this.storage,
      this.redelivery,
      this.health,
      this.healthMonitor,
      this.orderingQueues,
      this.heldDrain,
    ];
  }
}
