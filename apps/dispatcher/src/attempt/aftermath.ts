import { Inject, Injectable } from '@nestjs/common';
import type { Pool } from 'pg';
import { SERVICE_POOL } from '#database/database.module';
import type { WebhookTarget } from '#database/webhook-target';
import type { AttemptResult } from '#delivery-client/exchange';
import type { Logger } from '#observability/logger';
import { LOGGER } from '#observability/observability.module';
import { Signals } from '#queues/signals';
import { AttemptMetrics } from './attempt-metrics';
import { OperationalEvents } from '../webhooks/operational-events';
import type { DeliveryWork } from '../lanes/delivery-work';
import { disableWebhook } from '../webhooks/disable-webhook.queries';
import type { Outcome } from '../record/outcome';

const GONE = 410;

/** What follows an attempt once its outcome is committed: the log, metrics, the wake-up for its retry, and what its owner is told. */
@Injectable()
export class Aftermath {
  constructor(
    @Inject(SERVICE_POOL) private readonly pool: Pool,
    private readonly signals: Signals,
    private readonly metrics: AttemptMetrics,
    private readonly events: OperationalEvents,
    @Inject(LOGGER) private readonly logger: Logger,
  ) {}

  /** @param written whether the outcome was ours to write. */
  async follow(outcome: Outcome, target: WebhookTarget, result: AttemptResult, written: boolean): Promise<void> {
    this.logAndCount(outcome, result, written);
    if (!written) return;
    const { work, dueAtMs, state } = outcome;
    if (dueAtMs !== null) this.signals.wakeUpAt(dueAtMs, Date.now());
    if (state === 'exhausted') await this.events.exhausted(work, target, work.attempts + 1, result.error);
    if (result.statusCode === GONE) await this.disable(target);
  }

  /** Notes an attempt that failed within the dispatcher itself, before or after the request. */
  ourFault(work: DeliveryWork, error: unknown): void {
    this.logger.error({ delivery: work.id, webhook: work.webhookId, error: String(error) }, 'an attempt failed within');
  }

  private async disable(target: WebhookTarget): Promise<void> {
    const reason = 'The receiver answered 410 Gone';
    try {
      if (!(await disableWebhook(this.pool, target.tenantId, target.id, reason))) return;
      this.logger.warn({ webhook: target.publicId }, 'webhook disabled: 410 Gone');
      await this.events.disabled(target.tenantId, target.id, reason, 'HTTP 410: Gone');
    } catch (error) {
      // Its next delivery is answered 410 as well and tries again.
      this.logger.warn({ webhook: target.publicId, error: String(error) }, 'webhook could not be disabled');
    }
  }

  private logAndCount({ work, state, attempt }: Outcome, result: AttemptResult, written: boolean): void {
    const failure = attempt?.errorClass ?? null;
    this.metrics.attempt(failure ?? 'success', result.durationMs);
    if (state === 'delivered') this.metrics.delivered(work.event.id, Date.now());
    this.logger.info(
      {
        delivery: work.id,
        webhook: work.webhookId,
        event_type: work.event.type,
        attempt: work.attempts + 1,
        state,
        status_code: result.statusCode,
        error_class: failure,
        duration_ms: Math.round(result.durationMs),
        ...(written ? {} : { recorded: false }),
      },
      'attempt',
    );
  }
}
