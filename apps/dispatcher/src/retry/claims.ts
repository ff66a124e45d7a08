import { Inject, Injectable } from '@nestjs/common';
import type { Pool } from 'pg';
import { BATCH_POOL } from '#database/database.module';
import { Deliver } from '../deliver/deliver';
import type { DeliveryWork } from '../deliver/delivery-work';
import { Lanes } from '../deliver/lanes';
import { WebhookDirectory } from '../fan-out/webhook-directory';
import { WebhookHealth } from '../health-monitor/webhook-health';
import { DispatcherIdentity } from '../ownership/dispatcher-identity';
import { claimDue, findDueWebhooks, type ClaimedDelivery, type LaneRoom } from './claim.queries';

/** Webhooks looked at in one round; the next round goes on behind the last. */
const WEBHOOKS_PER_ROUND = 1_000;
/** Deliveries claimed by one transaction, which keeps it short. */
const MAX_PER_CLAIM = 500;

/**
 * Brings deliveries that wait in the database, retries and backlog alike, into lanes that have room.
 * Rounds are asked for by wake-ups, by hungry lanes and every second; they run one at a time.
 */
@Injectable()
export class Claims {
  private running: Promise<void> | null = null;
  /** Rounds asked for so far; one that comes while a round runs is served by the next. */
  private requests = 0;
  private after: string | null = null;
  private readonly hungry = new Set<string>();

  constructor(
    @Inject(BATCH_POOL) private readonly pool: Pool,
    private readonly lanes: Lanes,
    private readonly deliver: Deliver,
    private readonly directory: WebhookDirectory,
    private readonly identity: DispatcherIdentity,
    private readonly health: WebhookHealth,
  ) {}

  /** Looks for due deliveries of every webhook. @throws what the database throws. */
  async claimAll(): Promise<void> {
    this.requests += 1;
    this.running ??= this.rounds().finally(() => {
      this.running = null;
    });
    return this.running;
  }

  /** Asks for more of one webhook whose lane has room. */
  wantMore(webhookId: string): void {
    this.hungry.add(webhookId);
    if (this.running === null) this.claimAll().catch(() => undefined); // the reconciler's round comes within a second
  }

  private async rounds(): Promise<void> {
    let served: number;
    do {
      served = this.requests;
      await this.feedHungry();
      await this.findAndClaim();
    } while ((this.requests !== served || this.hungry.size > 0) && this.identity.maySend());
  }

  private async feedHungry(): Promise<void> {
    const webhookIds = [...this.hungry];
    this.hungry.clear();
    if (webhookIds.length > 0) await this.claimFor(webhookIds);
  }

  private async findAndClaim(): Promise<void> {
    if (!this.identity.maySend()) return;
    const due = await findDueWebhooks(this.pool, this.after, WEBHOOKS_PER_ROUND);
    this.after = due.length < WEBHOOKS_PER_ROUND ? null : (due.at(-1) ?? null);
    if (this.after !== null) this.requests += 1;
    if (due.length > 0) await this.claimFor(due);
  }

  private async claimFor(webhookIds: string[]): Promise<void> {
    let left = await this.roomsOf(webhookIds);
    while (left.length > 0 && this.identity.maySend()) {
      const { now, later } = cutToSize(left);
      const claimed = await this.claim(now);
      await this.take(claimed);
      this.noteBacklogs(now, claimed);
      left = later;
    }
  }

  /** All that a lane takes; of a webhook at which nobody answers a single one, when its probe is due. */
  private async roomsOf(webhookIds: string[]): Promise<LaneRoom[]> {
    const withRoom = webhookIds.filter((webhookId) => this.lanes.room(webhookId) > 0);
    const { closed, probes } = await this.health.admit(withRoom);
    return [
      ...closed.map((webhookId) => ({ webhookId, room: this.lanes.room(webhookId) })),
      ...[...probes].map((webhookId) => ({ webhookId, room: 1 })),
    ];
  }

  private async claim(rooms: LaneRoom[]): Promise<ClaimedDelivery[]> {
    try {
      return await claimDue(this.pool, this.identity.id, rooms);
    } catch (error) {
      this.identity.suspectOrphans();
      throw error;
    }
  }

  private async take(claimed: ClaimedDelivery[]): Promise<void> {
    const works: DeliveryWork[] = [];
    for (const { work, webhooksVersion, payloadGone } of claimed) {
      await this.directory.ofTenant(work.tenantId, webhooksVersion);
      if (payloadGone) await this.deliver.settle(work, 'cancelled', null);
      else works.push(work);
    }
    this.lanes.push(works);
  }

  /** A lane that was given all it had room for may have more waiting; one that was given less has not. */
  private noteBacklogs(rooms: LaneRoom[], claimed: ClaimedDelivery[]): void {
    const taken = new Map<string, { tenantId: string; count: number }>();
    for (const { work } of claimed) {
      const entry = taken.get(work.webhookId) ?? { tenantId: work.tenantId, count: 0 };
      entry.count += 1;
      taken.set(work.webhookId, entry);
    }
    for (const { webhookId, room } of rooms) {
      const entry = taken.get(webhookId);
      if (entry !== undefined) this.lanes.setBacklogged(entry.tenantId, webhookId, entry.count >= room);
      else this.lanes.clearBacklog(webhookId);
    }
  }
}

function cutToSize(lanes: LaneRoom[]): { now: LaneRoom[]; later: LaneRoom[] } {
  let count = 0;
  let total = 0;
  for (const lane of lanes) {
    total += lane.room;
    if (count > 0 && total > MAX_PER_CLAIM) break;
    count += 1;
  }
  return { now: lanes.slice(0, count), later: lanes.slice(count) };
}
