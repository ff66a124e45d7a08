import { Injectable } from '@nestjs/common';
import { isExclusive, isHolding, type WebhookTarget } from '#database/webhook-target';
import { orderingKeyHash } from '#accept/ordering-key';
import { deliveryUuid } from '#kernel/ids';
import { takesVersion } from '#webhook-rules/pinned-versions';
import type { DeliveryWork, EventRecord } from '../lanes/delivery-work';
import { Lanes } from '../lanes/lanes';
import { queueName } from '#database/ordering-queues.queries';
import { WebhookHealth } from '../webhooks/health-monitor/webhook-health';
import type { PlannedDelivery } from '../batches/fan-out.queries';
import type { EventBatch, PendingEvent } from '../batches/event-batches.queries';
import { WebhookDirectory } from '../webhooks/webhook-directory';

/** Deliveries made by one statement: some 20 ms of the database, and of what others wait for. */
const MAX_PER_CHUNK = 500;

/** A part of what batches come to, which one statement makes. */
export interface FanOutChunk {
  planned: PlannedDelivery[];
  /** Those of them that go into lanes here, by delivery. */
  works: Map<string, DeliveryWork>;
  /** Deliveries of open batches that go into lanes here without being planned, by batch. */
  open: Map<string, DeliveryWork[]>;
  /** Webhooks with limits, whose deliveries are claimed under a lease. */
  exclusive: Map<string, { tenantId: string; webhookId: string }>;
  /** Batches that have nothing behind this chunk and nothing in `open`. */
  finished: string[];
  /** The batch that goes on in the next chunk, with the tenant whose event it is at. */
  unfinished: { batchId: string; tenantId: string } | null;
  /** Whether some of it go into ordering queues. */
  isOrdered: boolean;
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
  async *plan(batches: EventBatch[], owner: string): AsyncGenerator<FanOutChunk, undefined> {
    let chunk = new ChunkPlan();
    for (const batch of batches) {
      const { batchId, events, isBehind } = batch;
      // Left to whoever finishes the batch before it.
      if (isBehind && (await this.areOrdered(events))) continue;
      let isOpen = batch.isOpen;
      for (const event of events) {
        for (const target of await this.targetsOf(event)) {
          if (chunk.size === MAX_PER_CHUNK) {
            isOpen = false;
            chunk.breakOff(batchId, event.tenantId);
            yield chunk;
            chunk = new ChunkPlan();
          }
          this.add(chunk, { batchId, isOpen }, event, target, owner);
        }
      }
      if (!chunk.open.has(batchId)) chunk.finished.push(batchId);
    }
    yield chunk;
    return undefined;
  }

  private async areOrdered(events: PendingEvent[]): Promise<boolean> {
    for (const event of events) if ((await this.targetsOf(event)).some(({ ordered }) => ordered)) return true;
    return false;
  }

  private async targetsOf(event: PendingEvent): Promise<WebhookTarget[]> {
    const webhooks = await this.directory.ofTenant(event.tenantId, event.webhooksVersion);
    return webhooks.subscriptions.match(event.type, event.projectId).flatMap((webhookId) => {
      const target = webhooks.targets.get(webhookId);
      return target !== undefined && takesVersion(target.eventVersions, event.type, event.version) ? [target] : [];
    });
  }

  private add(
    chunk: ChunkPlan,
    { batchId, isOpen }: { batchId: string; isOpen: boolean },
    event: PendingEvent,
    target: WebhookTarget,
    owner: string,
  ): void {
    const { tenantId } = event;
    const webhookId = target.id;
    const id = deliveryUuid(event.id, webhookId);
    const keyHash = target.ordered && event.orderingKey !== null ? orderingKeyHash(tenantId, event.orderingKey) : null;
    const isBlocked = keyHash !== null && chunk.isBehindAnother(webhookId, keyHash);
    const state = isBlocked ? 'blocked' : this.placeOf(target, chunk.taken);
    if (state === 'in_flight') {
      const work = toWork(id, owner, webhookId, event, keyHash);
      if (isOpen && keyHash === null) {
        chunk.send(batchId, work);
        return;
      }
      chunk.works.set(id, work);
    }
    if (state === 'queued') this.lanes.setBacklogged(tenantId, webhookId);
    if (isExclusive(target)) chunk.exclusive.set(webhookId, { tenantId, webhookId });
    chunk.plan(batchId, event, { id, tenantId, webhookId, state, keyHash });
  }

  /** Into this dispatcher's lane while it has room; else into the database, to be claimed by whoever may send it. */
  private placeOf(target: WebhookTarget, taken: Map<string, number>): PlannedDelivery['state'] {
    if (isHolding(target)) return 'held';
    if (this.health.isUnreachable(target.id)) return 'throttled';
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
  readonly open = new Map<string, DeliveryWork[]>();
  readonly exclusive = new Map<string, { tenantId: string; webhookId: string }>();
  readonly finished: string[] = [];
  unfinished: FanOutChunk['unfinished'] = null;
  /** Room in lanes here that the chunk takes, by webhook. */
  readonly taken = new Map<string, number>();
  private readonly queues = new Set<string>();
  private openCount = 0;

  get isOrdered(): boolean {
    return this.queues.size > 0;
  }

  /** Deliveries in it. */
  get size(): number {
    return this.planned.length + this.openCount;
  }

  plan(
    batchId: string,
    event: Pick<EventRecord, 'id' | 'type' | 'priority'>,
    delivery: Pick<PlannedDelivery, 'id' | 'tenantId' | 'webhookId' | 'state' | 'keyHash'>,
  ): void {
    this.planned.push({
      ...{ batchId, eventId: event.id, eventType: event.type, priority: event.priority },
      ...delivery,
    });
  }

  /** Has a delivery sent before it has a row. */
  send(batchId: string, work: DeliveryWork): void {
    const works = this.open.get(batchId);
    if (works === undefined) this.open.set(batchId, [work]);
    else works.push(work);
    this.openCount += 1;
  }

  /** Ends within a batch: what is made of it has to have rows, since others may go on with it. */
  breakOff(batchId: string, tenantId: string): void {
    this.unfinished = { batchId, tenantId };
    for (const work of this.open.get(batchId) ?? []) {
      const { id, webhookId, event } = work;
      this.works.set(id, work);
      this.plan(batchId, event, { id, tenantId: work.tenantId, webhookId, state: 'in_flight', keyHash: null });
    }
    this.open.delete(batchId);
  }

  /** Notes a delivery of an ordering queue; answers whether the chunk has another of it before. */
  isBehindAnother(webhookId: string, keyHash: Buffer): boolean {
    const name = queueName({ webhookId, keyHash });
    if (this.queues.has(name)) return true;
    this.queues.add(name);
    return false;
  }
}

function toWork(
  id: string,
  owner: string,
  webhookId: string,
  event: PendingEvent,
  keyHash: Buffer | null,
): DeliveryWork {
  return {
    id,
    owner,
    epoch: 1,
    tenantId: event.tenantId,
    webhookId,
    event,
    attempts: 0,
    probes: 0,
    keyHash,
    batch: null,
  };
}
