import { Inject, Injectable } from '@nestjs/common';
import { ENVIRONMENT } from '#config/config.module';
import type { Environment } from '#config/environment';
import { isExclusive, isHolding, type WebhookTarget } from '#database/webhook-target';
import { Lanes } from '../lanes/lanes';
import { NO_LIMITS } from '../lanes/pace';
import { WebhookDirectory } from '../webhooks/webhook-directory';
import { WebhookHealth } from '../webhooks/health-monitor/webhook-health';
import { Leases } from '../ownership/leases';
import type { LaneRoom, WebhookKey } from './claim.queries';

/** Seconds of work that a lane with a rate holds: more would only be kept from other dispatchers. */
const PACED_SECONDS = 2;

/**
 * How many deliveries of which webhooks may be claimed just now: as many as their lanes take, of one with limits
 * only under its lease, of one that holds its deliveries none, and of one at which nobody answers a single one, when its probe is due.
 */
@Injectable()
export class Admission {
  constructor(
    private readonly lanes: Lanes,
    private readonly directory: WebhookDirectory,
    private readonly health: WebhookHealth,
    private readonly leases: Leases,
    @Inject(ENVIRONMENT) private readonly environment: Environment,
  ) {}

  async roomsFor(webhooks: WebhookKey[]): Promise<LaneRoom[]> {
    const withRoom = await this.underLease(webhooks.filter((webhook) => this.lanes.room(webhook.webhookId) > 0));
    const { reachable, probes } = await this.health.admit(withRoom.map((webhook) => webhook.webhookId));
    const isReachable = new Set(reachable);
    return withRoom.flatMap((webhook) => {
      if (isReachable.has(webhook.webhookId)) return [webhook];
      return probes.has(webhook.webhookId) ? [{ ...webhook, room: 1 }] : [];
    });
  }

  /** Gives back leases of webhooks that nothing was sent to lately. @throws what the database throws. */
  async releaseIdleLeases(): Promise<void> {
    await this.leases.releaseIdle((webhookId) => this.lanes.isBusy(webhookId));
  }

  /** With the room of each; those with limits only when their lease is ours, and no more than their limits let pass soon. */
  private async underLease(webhooks: WebhookKey[]): Promise<LaneRoom[]> {
    const rooms: LaneRoom[] = [];
    const exclusive: LaneRoom[] = [];
    for (const webhook of webhooks) {
      const target = await this.directory.target(webhook.tenantId, webhook.webhookId);
      // Held: due, and left where it is until the webhook is active again.
      if (target !== undefined && isHolding(target)) continue;
      const room = this.lanes.room(webhook.webhookId);
      if (target === undefined || !isExclusive(target)) {
        this.lanes.setLimits(webhook.tenantId, webhook.webhookId, NO_LIMITS);
        rooms.push({ ...webhook, room });
        continue;
      }
      const perSecond = this.paceOf(target);
      this.lanes.setLimits(webhook.tenantId, webhook.webhookId, {
        perSecond,
        inFlight: target.maxInFlight,
      });
      const paced = perSecond === null ? room : Math.min(room, perSecond * PACED_SECONDS);
      exclusive.push({ ...webhook, room: paced });
    }
    if (exclusive.length === 0) return rooms;
    const held = await this.leases.hold(exclusive.map((webhook) => webhook.webhookId));
    return [...rooms, ...exclusive.filter((webhook) => held.has(webhook.webhookId))];
  }

  /** Deliveries per second; what was held is let go no faster than the operator allows, so that it floods nobody. */
  private paceOf({ rateLimit, draining }: WebhookTarget): number | null {
    if (!draining) return rateLimit;
    const { heldPerSecond } = this.environment;
    return rateLimit === null ? heldPerSecond : Math.min(rateLimit, heldPerSecond);
  }
}
