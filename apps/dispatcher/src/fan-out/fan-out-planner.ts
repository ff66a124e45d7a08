import { Injectable } from '@nestjs/common';
import { isExclusive, isHolding, type WebhookTarget } from '#database/webhook-target';
import { deliveryUuid } from '#kernel/ids';
import { takesVersion } from '#webhook-rules/pinned-versions';
import type { DeliveryWork } from '../deliver/delivery-work';
import { Lanes } from '../deliver/lanes';
import { WebhookHealth } from '../health-monitor/webhook-health';
import type { PendingBatch, PendingEvent, PlannedDelivery } from './fan-out.queries';
import { WebhookDirectory } from './webhook-directory';

/** Deliveries made by one statement: some 20 ms of the database, and of what others wait for. */
const MAX_PER_CHUNK = 500;

/** A part of what batches come to, which one statement makes. */
export interface FanOutChunk {
  planned: PlannedDelivery[];
  /** Those that go into lanes here, by delivery. */
  works: Map<string, DeliveryWork>;
  /** Webhooks with limits, whose deliveries are claimed under a lease. */
  exclusive: Map<string, { tenantId: string; webhookId: string }>;
  /** Batches that have nothing behind this chunk. */
  finished: string[];
  /** The batch that goes on in the next chunk, with the tenant whose event it is at. */
  unfinished: { fanOutId: string; tenantId: string } | null;
}

/** Finds who gets an event, and where each delivery goes first. */
@Injectable()
export class FanOutPlanner {
  constructor(
    private readonly directory: WebhookDirectory,
    private readonly lanes: Lanes,
    private readonly health: WebhookHealth,
  ) {}

  /**
   * Plans a chunk when it is asked for, so that the lanes are seen as the chunk before has left them.
   * @param owner the dispatcher id under which deliveries go into lanes here.
   */
  async *plan(batches: PendingBatch[], owner: string): AsyncGenerator<FanOutChunk, undefined> {
    let chunk = new ChunkPlan();
    for (const { fanOutId, events } of batches) {
      for (const event of events) {
        for (const target of await this.targetsOf(event)) {
          if (chunk.planned.length === MAX_PER_CHUNK) {
            chunk.unfinished = { fanOutId, tenantId: event.tenantId };
            yield chunk;
            chunk = new ChunkPlan();
          }
          this.add(chunk, fanOutId, event, target, owner);
        }
      }
      chunk.finished.push(fanOutId);
    }
    yield chunk;
    return undefined;
  }

  private async targetsOf(event: PendingEvent): Promise<WebhookTarget[]> {
    const webhooks = await this.directory.ofTenant(event.tenantId, event.webhooksVersion);
    return webhooks.subscriptions.match(event.type, event.projectId).flatMap((webhookId) => {
      const target = webhooks.targets.get(webhookId);
      return target !== undefined && takesVersion(target.eventVersions, event.type, event.version) ? [target] : [];
    });
  }

  private add(chunk: ChunkPlan, fanOutId: string, event: PendingEvent, target: WebhookTarget, owner: string): void {
    const { tenantId } = event;
    const webhookId = target.id;
    const id = deliveryUuid(event.id, webhookId);
    const state = this.placeOf(target, chunk.taken);
    if (state === 'in_flight') chunk.works.set(id, toWork(id, owner, webhookId, event));
    if (state === 'queued') this.lanes.setBacklogged(tenantId, webhookId);
    if (isExclusive(target)) chunk.exclusive.set(webhookId, { tenantId, webhookId });
    chunk.planned.push({
      ...{ fanOutId, id, tenantId, webhookId, state },
      ...{ eventId: event.id, eventType: event.type, priority: event.priority },
    });
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

class ChunkPlan implements FanOutChunk {
  readonly planned: PlannedDelivery[] = [];
  readonly works = new Map<string, DeliveryWork>();
  readonly exclusive = new Map<string, { tenantId: string; webhookId: string }>();
  readonly finished: string[] = [];
  unfinished: FanOutChunk['unfinished'] = null;
  /** Room in lanes here that the chunk takes, by webhook. */
  readonly taken = new Map<string, number>();
}

function toWork(id: string, owner: string, webhookId: string, event: PendingEvent): DeliveryWork {
  return { id, owner, epoch: 1, tenantId: event.tenantId, webhookId, event, attempts: 0, probes: 0 };
}
