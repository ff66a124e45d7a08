import { Inject, Injectable } from '@nestjs/common';
import type { Pool } from 'pg';
import { SERVICE_POOL } from '#database/database.module';
import { DispatcherIdentity } from './dispatcher-identity';

/** A lease that has not been used for so long is given back, so that the work spreads again. */
const IDLE_MS = 10_000;

/**
 * Webhooks with limits are sent to by one dispatcher at a time, which keeps the limits in its memory. A lease
 * stands as long as its dispatcher lives.
 */
@Injectable()
export class Leases {
  /** Monotonic ms of the last use, by webhook. */
  private readonly mine = new Map<string, number>();
  private owner: string | null = null;
  /** The giving back under way: a lease taken meanwhile would be deleted along with it. */
  private releasing: Promise<unknown> = Promise.resolve();

  constructor(
    @Inject(SERVICE_POOL) private readonly pool: Pool,
    private readonly identity: DispatcherIdentity,
  ) {}

  /** Of these webhooks, those that this dispatcher may send to; free ones become its own. */
  async hold(webhookIds: string[]): Promise<Set<string>> {
    await this.releasing.catch(() => undefined); // whoever gives back is told
    this.forgetFormerSelf();
    const missing = webhookIds.filter((webhookId) => !this.mine.has(webhookId));
    if (missing.length > 0) for (const webhookId of await this.take(missing)) this.mine.set(webhookId, 0);
    const held = webhookIds.filter((webhookId) => this.mine.has(webhookId));
    for (const webhookId of held) this.mine.set(webhookId, performance.now());
    return new Set(held);
  }

  /** Gives leases back that were not used lately and of which nothing is held. */
  async releaseIdle(isBusy: (webhookId: string) => boolean): Promise<void> {
    this.forgetFormerSelf();
    const idle = [...this.mine].filter(
      ([webhookId, usedAt]) => performance.now() - usedAt > IDLE_MS && !isBusy(webhookId),
    );
    if (idle.length === 0) return;
    for (const [webhookId] of idle) this.mine.delete(webhookId);
    this.releasing = this.pool.query('DELETE FROM webhook_leases WHERE owner = $1 AND webhook_id = ANY($2::uuid[])', [
      this.identity.id,
      idle.map(([webhookId]) => webhookId),
    ]);
    await this.releasing;
  }

  private async take(webhookIds: string[]): Promise<string[]> {
    const values = [this.identity.id, webhookIds];
    await this.pool.query({
      name: 'take-leases',
      text: `INSERT INTO webhook_leases (webhook_id, owner) SELECT u.id, $1 FROM unnest($2::uuid[]) AS u(id) ORDER BY u.id
             ON CONFLICT (webhook_id) DO NOTHING`,
      values,
    });
    const result = await this.pool.query<{ webhook_id: string }>({
      name: 'own-leases',
      text: 'SELECT webhook_id FROM webhook_leases WHERE owner = $1 AND webhook_id = ANY($2::uuid[])',
      values,
    });
    return result.rows.map((row) => row.webhook_id);
  }

  /** After having been declared dead: the leases went with the old id. */
  private forgetFormerSelf(): void {
    if (this.owner !== this.identity.id) this.mine.clear();
    this.owner = this.identity.id;
  }
}
