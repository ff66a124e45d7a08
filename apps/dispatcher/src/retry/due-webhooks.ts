import type { Pool } from 'pg';
import { findDueWebhooks, findNewlyDueWebhooks, type WebhookKey } from './claim.queries';

/** Webhooks of one look; the next goes on behind the last. */
const WEBHOOKS_PER_LOOK = 1_000;
/** A look at every webhook with waiting deliveries takes at most this share of the time (4 µs each were measured) ... */
const SHARE_OF_TIME = 0.05;
/** ... and is never put off for longer. */
const MAX_PAUSE_MS = 5_000;

/**
 * Which webhooks have deliveries that are due. A look at all that wait finds also those that could not be claimed
 * before, and costs more the more webhooks wait, however far off their retries are; in between, only what has fallen due
 * since is looked for, so that a hundred thousand broken webhooks do not slow the others.
 */
export class DueWebhooks {
  private after: string | null = null;
  private newlyDueSince: Date | null = null;
  private nextWholeLookAt = 0;
  private wholeLookMs = 0;

  constructor(private readonly pool: Pool) {}

  /** One look. @returns `more` when the look at all of them is not at its end. @throws what the database throws. */
  async find(): Promise<{ webhooks: WebhookKey[]; more: boolean }> {
    if (this.after === null && performance.now() < this.nextWholeLookAt) return this.findNewlyDue();
    const startedAt = performance.now();
    const webhooks = await findDueWebhooks(this.pool, this.after, WEBHOOKS_PER_LOOK);
    this.after = webhooks.length < WEBHOOKS_PER_LOOK ? null : (webhooks.at(-1)?.webhookId ?? null);
    this.wholeLookMs += performance.now() - startedAt;
    if (this.after === null) this.endWholeLook();
    return { webhooks, more: this.after !== null };
  }

  private async findNewlyDue(): Promise<{ webhooks: WebhookKey[]; more: boolean }> {
    const { webhooks, at } = await findNewlyDueWebhooks(this.pool, this.newlyDueSince, WEBHOOKS_PER_LOOK);
    this.newlyDueSince = at;
    return { webhooks, more: false };
  }

  private endWholeLook(): void {
    const pauseMs = Math.min(MAX_PAUSE_MS, this.wholeLookMs / SHARE_OF_TIME);
    this.nextWholeLookAt = performance.now() + pauseMs;
    this.wholeLookMs = 0;
  }
}
