import { Injectable } from '@nestjs/common';
import { isExclusive, isHolding, type WebhookTarget } from '#database/webhook-target';
import { deliveryUuid } from '#kernel/ids';
import { takesVersion } from '#webhook-rules/pinned-versions';
import type { DeliveryWork } from '../deliver/delivery-work';
import { Lanes } from '../deliver/lanes';
import { WebhookHealth } from '../health-monitor/webhook-health';
import type { PendingEvent, PlannedDelivery } from './fan-out.queries';
import { WebhookDirectory } from './webhook-directory';

/** What a batch of events comes to. */
export interface FanOutPlan {
  planned: PlannedDelivery[];
  /** Those that go into lanes here, by delivery. */
  works: Map<string, DeliveryWork>;
  /** Webhooks with limits, whose deliveries are claimed under a lease. */
  exclusive: Map<string, { tenantId: string; webhookId: string }>;
}

/** Finds who gets an event, and where each delivery goes first. */
@Injectable()
export class FanOutPlanner {
  constructor(
    private readonly directory: WebhookDirectory,
    private readonly lanes: Lanes,
    private readonly health: WebhookHealth,
  ) {}

  /** @param owner the dispatcher id under which deliveries go into lanes here. */
  async plan(events: PendingEvent[], owner: string): Promise<FanOutPlan> {
    const plan: FanOutPlan = { planned: [], works: new Map(), exclusive: new Map() };
    const taken = new Map<string, number>();
    for (const event of events) {
      const webhooks = await this.directory.ofTenant(event.tenantId, event.webhooksVersion);
      for (const webhookId of webhooks.subscriptions.match(event.type, event.projectId)) {
        const target = webhooks.targets.get(webhookId);
        if (target === undefined || !takesVersion(target.eventVersions, event.type, event.version)) continue;
        const id = deliveryUuid(event.id, webhookId);
        const state = this.placeOf(target, taken);
        if (state === 'in_flight') plan.works.set(id, toWork(id, owner, webhookId, event));
        if (state === 'queued') this.lanes.setBacklogged(event.tenantId, webhookId);
        if (isExclusive(target)) plan.exclusive.set(webhookId, { tenantId: event.tenantId, webhookId });
        plan.planned.push({
          fanOutId: event.fanOutId,
          id,
          tenantId: event.tenantId,
          webhookId,
          eventId: event.id,
          eventType: event.type,
          priority: event.priority,
          state,
        });
      }
    }
    return plan;
  }

  /** Into this dispatcher's lane while it has room; else into the database, to be claimed by whoever may send it. */
  private placeOf(target: WebhookTarget, taken: Map<string, number>): PlannedDelivery['state'] {
    if (isHolding(target)) return 'held';
    if (this.health.isOpen(target.id)) return 'throttled';
    if (isExclusive(target) || this.lanes.isBacklogged(target.id)) return 'queued';
    const before = taken.get(target.id) ?? 0;
    if (before >= this.lanes.room(target.id)) return 'queued';
    taken.set(target.id, before + 1);
    return 'in_flight';
  }
}

function toWork(id: string, owner: string, webhookId: string, event: PendingEvent): DeliveryWork {
  return { id, owner, epoch: 1, tenantId: event.tenantId, webhookId, event, attempts: 0, probes: 0 };
}
