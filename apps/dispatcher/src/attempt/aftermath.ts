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

/** What follows an attempt once its outcome is committed: the log, metrics, the wake-up for its retry, and the operational events. */
@Injectable()
export class Aftermath {
  constructor(
    @Inject(SERVICE_POOL) private readonly pool: Pool,
    private readonly signals: Signals,
    private readonly metrics: AttemptMetrics,
    private readonly events: OperationalEvents,
    @Inject(LOGGER) private readonly logger: Logger,
  ) {}

  /** @param written whether this dispatcher still owned the delivery. */
  async follow(outcome: Outcome, target: WebhookTarget, result: AttemptResult, written: boolean): Promise<void> {
    this.logAndCount(outcome, result, written);
    if (!written) return;
    const { work, dueAtMs, state } = outcome;
    if (dueAtMs !== null) this.signals.wakeUpAt(dueAtMs, Date.now());
    if (state === 'exhausted') await this.events.exhausted(work, target, work.attempts + 1, result.error);
    if (result.statusCode === GONE) await this.disable(target);
  }

  /** Logs an attempt that failed inside the dispatcher, before or after the request. */
  ourFault(work: DeliveryWork, error: unknown): void {
    this.logger.error(
      { err: error, delivery: work.id, webhook: work.webhookId },
      'an attempt failed inside the dispatcher',
    );
  }

  private async disable(target: WebhookTarget): Promise<void> {
    const reason = 'The receiver answered 410 Gone';
    try {
      if (!(await disableWebhook(this.pool, target.tenantId, target.id, reason))) return;
      this.logger.warn({ webhook: target.publicId }, 'webhook disabled: 410 Gone');
      await this.events.disabled(target.tenantId, target.id, reason, 'HTTP 410: Gone');
    } catch (error) {
      // The next delivery gets a 410 as well, and this is retried.
      this.logger.warn({ err: error, webhook: target.publicId }, 'cannot disable a webhook after 410 Gone');
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
