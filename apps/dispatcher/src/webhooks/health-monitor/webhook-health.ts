import { EventEmitter } from 'node:events';
import { Inject, Injectable } from '@nestjs/common';
import type { Pool } from 'pg';
import { SERVICE_POOL } from '#database/database.module';
import type { Logger } from '#observability/logger';
import { LOGGER } from '#observability/observability.module';
import {
  isUnreachable,
  lengthen,
  probeAfterMs,
  isConfirmedUnreachable,
  type UnreachableStreak,
} from '#webhook-rules/breaker';
import type { DeliveryWork } from '../../lanes/delivery-work';
import { OperationalEvents } from '../operational-events';
import { Periodic } from '../../periodic/periodic';
import {
  clearFailures,
  markReachable,
  readFailingWebhooks,
  takeProbes,
  writeFailures,
  type FailingWebhook,
  type HealthChange,
} from './health.queries';

const EVERY_MS = 1_000;

/** What {@link WebhookHealth} tells its listeners, synchronously. */
interface WebhookHealthEvents {
  /** The endpoint was found unreachable: its deliveries wait `forMs` until the first probe. */
  unreachable: [webhookId: string, forMs: number];
  /** The endpoint may be sent to again. */
  reachable: [webhook: { tenantId: string; webhookId: string }];
}

/**
 * Which webhooks fail, over all dispatchers: read and written once a second, and never for a webhook that
 * works. One that nobody answers at is open: its deliveries wait, and probes ask at growing intervals whether
 * anybody is there again.
 */
@Injectable()
export class WebhookHealth extends Periodic {
  readonly events = new EventEmitter<WebhookHealthEvents>();
  private webhooks = new Map<string, FailingWebhook>();
  private readonly streaks = new Map<string, UnreachableStreak>();
  private readonly changes = new Map<string, HealthChange>();
  private readonly succeeded = new Set<string>();
  private readonly responded = new Set<string>();

  constructor(
    @Inject(SERVICE_POOL) private readonly pool: Pool,
    private readonly operationalEvents: OperationalEvents,
    @Inject(LOGGER) logger: Logger,
  ) {
    super('noting the health of webhooks', EVERY_MS, () => this.exchange(), logger);
  }

  /** Whether the webhook's deliveries are to wait for a probe. */
  isUnreachable(webhookId: string): boolean {
    return this.webhooks.get(webhookId)?.isUnreachable ?? false;
  }

  /** How long its deliveries wait at least: until about the next probe. */
  waitMs(webhookId: string): number {
    return this.webhooks.get(webhookId)?.probeAfterMs ?? probeAfterMs(null);
  }

  /** Notes what an attempt came to; `failure` as `failureClassOf` says. */
  note(work: DeliveryWork, failure: string | null, error: string | null, nowMs: number): void {
    const { webhookId } = work;
    if (failure === null) {
      this.streaks.delete(webhookId);
      this.changes.delete(webhookId);
      if (this.webhooks.has(webhookId)) this.succeeded.add(webhookId);
      return;
    }
    const change = this.changes.get(webhookId) ?? {
      tenantId: work.tenantId,
      webhookId,
      failures: 0,
      lastError: null,
      unreachableForMs: null,
    };
    change.failures += 1;
    change.lastError = error;
    this.changes.set(webhookId, change);
    if (isUnreachable(failure)) {
      this.noteUnreachable(webhookId, change, nowMs);
    } else {
      this.streaks.delete(webhookId);
      if (this.isUnreachable(webhookId)) this.responded.add(webhookId);
    }
  }

  /** Of webhooks with due deliveries, those that may be sent to, and those of which one delivery may go as a probe. */
  async admit(webhookIds: string[]): Promise<{ reachable: string[]; probes: Set<string> }> {
    const reachable = webhookIds.filter((webhookId) => !this.isUnreachable(webhookId));
    const due = webhookIds.flatMap((webhookId) => {
      const webhook = this.webhooks.get(webhookId);
      return webhook?.isUnreachable === true && webhook.probeDue ? [webhook] : [];
    });
    if (due.length === 0) return { reachable, probes: new Set() };
    const next = due.map((webhook) => ({
      ...webhook,
      probeDue: false,
      probeAfterMs: probeAfterMs(webhook.probeAfterMs),
    }));
    const probes = await takeProbes(
      this.pool,
      next.map((webhook) => ({ webhookId: webhook.webhookId, nextMs: webhook.probeAfterMs })),
    );
    for (const webhook of next) this.webhooks.set(webhook.webhookId, webhook);
    return { reachable, probes };
  }

  private noteUnreachable(webhookId: string, change: HealthChange, nowMs: number): void {
    const streak = lengthen(this.streaks.get(webhookId), nowMs);
    this.streaks.set(webhookId, streak);
    if (this.isUnreachable(webhookId) || !isConfirmedUnreachable(streak, nowMs)) return;
    const forMs = probeAfterMs(null);
    change.unreachableForMs = forMs;
    this.webhooks.set(webhookId, {
      tenantId: change.tenantId,
      webhookId,
      isUnreachable: true,
      probeDue: false,
      probeAfterMs: forMs,
    });
    this.events.emit('unreachable', webhookId, forMs);
  }

  private async exchange(): Promise<void> {
    await this.write();
    const before = this.webhooks;
    const rows = await readFailingWebhooks(this.pool);
    this.webhooks = new Map(rows.map((row) => [row.webhookId, row]));
    // Opened here while the database was read, and not written yet.
    for (const change of this.changes.values()) {
      const known = before.get(change.webhookId);
      if (change.unreachableForMs !== null && known !== undefined) this.webhooks.set(change.webhookId, known);
    }
    for (const [webhookId, known] of before)
      if (known.isUnreachable && !this.isUnreachable(webhookId)) this.events.emit('reachable', known);
  }

  private async write(): Promise<void> {
    const changes = [...this.changes.values()];
    const succeeded = [...this.succeeded];
    const responded = [...this.responded].filter((webhookId) => !this.succeeded.has(webhookId));
    this.changes.clear();
    this.succeeded.clear();
    this.responded.clear();
    try {
      if (succeeded.length > 0) {
        const recovered = await clearFailures(this.pool, succeeded);
        for (const webhook of recovered) if (webhook.warnings > 0) await this.operationalEvents.recovered(webhook);
      }
      if (responded.length > 0) await markReachable(this.pool, responded);
      if (changes.length > 0) await writeFailures(this.pool, changes);
    } catch (error) {
      for (const change of changes) if (!this.changes.has(change.webhookId)) this.changes.set(change.webhookId, change);
      for (const webhookId of succeeded) this.succeeded.add(webhookId);
      for (const webhookId of responded) this.responded.add(webhookId);
      throw error;
    }
  }
}
