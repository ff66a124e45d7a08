import { Inject, Injectable } from '@nestjs/common';
import type { Pool } from 'pg';
import { SERVICE_POOL } from '#database/database.module';
import { Attempt } from '../attempt/attempt';
import type { DeliveryWork } from '../lanes/delivery-work';
import { Lanes } from '../lanes/lanes';
import { WebhookDirectory } from '../webhooks/webhook-directory';
import { DispatcherIdentity } from '../ownership/dispatcher-identity';
import { Admission } from './admission';
import { claimDue, type ClaimedDelivery, type LaneRoom, type WebhookKey } from './claim.queries';
import { DueWebhooks } from './due-webhooks';

/** Deliveries claimed by one transaction, which keeps it short. */
const MAX_PER_CLAIM = 500;

/**
 * Brings deliveries that wait in the database, retries and backlog alike, into lanes that have room.
 * Rounds are asked for by wake-ups, by lanes with room and every second; they run one at a time.
 * Under a backlog they follow each other without end; a caller waits only for the round that serves it.
 */
@Injectable()
export class Claims {
  private running: Promise<void> = Promise.resolve();
  /** The round that has not begun: it serves everyone who asks until it does. */
  private upcoming: Promise<void> | null = null;
  private readonly due: DueWebhooks;
  private readonly wanted = new Map<string, WebhookKey>();

  constructor(
    @Inject(SERVICE_POOL) private readonly pool: Pool,
    private readonly lanes: Lanes,
    private readonly attempt: Attempt,
    private readonly directory: WebhookDirectory,
    private readonly identity: DispatcherIdentity,
    private readonly admission: Admission,
  ) {
    this.due = new DueWebhooks(pool);
  }

  /** Looks for due deliveries of every webhook; resolves after one round. @throws what the database throws. */
  claimAll(): Promise<void> {
    this.upcoming ??= this.roundAfter(this.running);
    return this.upcoming;
  }

  /** Asks for more of one webhook whose lane has room. */
  wantMore(webhook: WebhookKey): void {
    this.wanted.set(webhook.webhookId, webhook);
    this.askForRound();
  }

  /** Resolves once no round is under way or asked for. */
  async untilIdle(): Promise<void> {
    while (this.upcoming !== null) await this.upcoming.catch(() => undefined); // whoever asked for the round is told
    await this.running.catch(() => undefined);
  }

  private askForRound(): void {
    if (this.upcoming === null) this.claimAll().catch(() => undefined); // the reconciler's round comes within a second
  }

  private async roundAfter(previous: Promise<void>): Promise<void> {
    await previous.catch(() => undefined);
    this.upcoming = null;
    this.running = this.round();
    await this.running;
  }

  private async round(): Promise<void> {
    if (!this.identity.maySend()) return;
    await this.feedWanted();
    await this.findAndClaim();
  }

  private async feedWanted(): Promise<void> {
    const webhooks = [...this.wanted.values()];
    this.wanted.clear();
    if (webhooks.length > 0) await this.claimFor(webhooks);
  }

  private async findAndClaim(): Promise<void> {
    if (!this.identity.maySend()) return;
    const { webhooks, more } = await this.due.find();
    if (more) this.askForRound();
    if (webhooks.length > 0) await this.claimFor(webhooks);
  }

  private async claimFor(webhooks: WebhookKey[]): Promise<void> {
    let left = await this.admission.roomsFor(webhooks);
    while (left.length > 0 && this.identity.maySend()) {
      const { now, later } = cutToSize(left);
      this.noteBacklogs(now, await this.claim(now));
      left = later;
    }
  }

  private async claim(rooms: LaneRoom[]): Promise<ClaimedDelivery[]> {
    try {
      return await this.lanes.acquisitions.track(async () => {
        const claimed = await claimDue(this.pool, this.identity.id, rooms);
        await this.take(claimed);
        return claimed;
      });
    } catch (error) {
      this.identity.suspectOrphans();
      throw error;
    }
  }

  private async take(claimed: ClaimedDelivery[]): Promise<void> {
    const works: DeliveryWork[] = [];
    for (const { work, webhooksVersion, payloadGone } of claimed) {
      await this.directory.ofTenant(work.tenantId, webhooksVersion);
      if (payloadGone) await this.attempt.finishWithoutRequest(work, 'cancelled', null);
      else works.push(work);
    }
    this.lanes.push(works);
  }

  /** A lane that was given all it had room for may have more waiting; one that was given less has not. */
  private noteBacklogs(rooms: LaneRoom[], claimed: ClaimedDelivery[]): void {
    const taken = new Map<string, number>();
    for (const { work } of claimed) taken.set(work.webhookId, (taken.get(work.webhookId) ?? 0) + 1);
    for (const { tenantId, webhookId, room } of rooms) {
      const isFull = (taken.get(webhookId) ?? 0) >= room;
      if (isFull) this.lanes.setBacklogged(tenantId, webhookId);
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
