import { Inject, Injectable } from '@nestjs/common';
import { BATCH_POOL } from '#database/database.module';
import type { WebhookTarget } from '#database/webhook-target';
import type { DeliveryClient } from '#delivery-client/delivery-client';
import type { AttemptResult } from '#delivery-client/exchange';
import type { Logger } from '#observability/logger';
import { LOGGER } from '#observability/observability.module';
import { Signals } from '#queues/signals';
import { deliveryBody, deliveryHeaders } from '#webhook-rules/delivery-request';
import { failureClassOf, judge, type Verdict } from '#webhook-rules/outcome';
import type { Pool } from 'pg';
import { DispatcherMetrics } from '../dispatcher-metrics';
import { WebhookDirectory } from '../fan-out/webhook-directory';
import { DispatcherIdentity } from '../ownership/dispatcher-identity';
import { deliveryContent, type DeliveryWork } from './delivery-work';
import type { LaneSignal } from './lanes';
import { Recorder } from './recorder';
import { disableWebhook, type AttemptRecord, type Outcome } from './recorder.queries';

/** Injection token of the dispatcher's {@link DeliveryClient}. */
export const DELIVERY_CLIENT = Symbol('delivery client');

/** How long the deliveries of a webhook wait whose secret does not open. */
const UNREADABLE_WAIT_MS = 60_000;
/** Error classes after which nobody seems to be there; a lane shrinks. */
const UNREACHABLE: ReadonlySet<string> = new Set([
  'timeout',
  'connect_timeout',
  'connection_refused',
  'host_unreachable',
  'dns_error',
]);

/** One attempt from beginning to end: look up, sign, send, judge, record, reschedule. */
@Injectable()
export class Deliver {
  constructor(
    @Inject(BATCH_POOL) private readonly pool: Pool,
    @Inject(DELIVERY_CLIENT) private readonly client: DeliveryClient,
    private readonly directory: WebhookDirectory,
    private readonly identity: DispatcherIdentity,
    private readonly recorder: Recorder,
    private readonly signals: Signals,
    private readonly metrics: DispatcherMetrics,
    @Inject(LOGGER) private readonly logger: Logger,
  ) {}

  /** Never rejects; resolves once the outcome is committed, or is another's to tell. */
  async attempt(work: DeliveryWork): Promise<LaneSignal> {
    const target = await this.directory.target(work.tenantId, work.webhookId);
    const nowMs = Date.now();
    if (target?.active !== true) return this.settle(work, 'cancelled', null);
    if (target.unreadable) return this.settle(work, 'queued', nowMs + UNREADABLE_WAIT_MS);
    if (!this.identity.maySend()) return this.settle(work, 'queued', nowMs);

    const content = deliveryContent(work, target);
    const body = deliveryBody(content);
    const headers = deliveryHeaders(content, body, target.keys, target.headers, nowMs);
    const result = await this.client.send({ url: target.url, headers, body, timeoutMs: target.timeoutMs });
    const failure = failureClassOf(result.outcome);
    if (failure === 'interrupted') return this.settle(work, 'queued', Date.now());

    const endedAtMs = Date.now();
    const verdict = judge(result.outcome, target.retryPolicy, work.attempts + 1, endedAtMs, Math.random());
    const written = await this.recorder.record(toOutcome(work, verdict, nowMs, result, failure));
    this.note(work, target, verdict, result, failure, endedAtMs, written);
    if (verdict.kind === 'retry') this.signals.wakeUpAt(verdict.atMs, endedAtMs);
    if (verdict.kind === 'disable_webhook') await this.disable(target);
    return failure === null || !UNREACHABLE.has(failure) ? 'answered' : 'unreachable';
  }

  /** Ends a turn without a request: gives up, or puts the delivery back until it is due. */
  async settle(work: DeliveryWork, state: 'cancelled' | 'queued', dueAtMs: number | null): Promise<LaneSignal> {
    await this.recorder.record({ work, state, attempt: null, dueAtMs });
    return 'none';
  }

  private async disable(target: WebhookTarget): Promise<void> {
    const reason = 'The receiver answered 410 Gone';
    try {
      await disableWebhook(this.pool, target.tenantId, target.id, reason);
      this.logger.warn({ webhook: target.publicId }, 'webhook disabled: 410 Gone');
    } catch (error) {
      // Its next delivery is answered 410 as well and tries again.
      this.logger.warn({ webhook: target.publicId, error: String(error) }, 'webhook could not be disabled');
    }
  }

  private note(
    work: DeliveryWork,
    target: WebhookTarget,
    verdict: Verdict,
    result: AttemptResult,
    failure: string | null,
    endedAtMs: number,
    written: boolean,
  ): void {
    this.metrics.attempt(failure ?? 'success', result.durationMs);
    if (verdict.kind === 'delivered') this.metrics.delivered(work.event.id, endedAtMs);
    this.logger.info(
      {
        delivery: work.id,
        webhook: target.id,
        event_type: work.event.type,
        attempt: work.attempts + 1,
        verdict: verdict.kind,
        status_code: result.statusCode,
        error_class: failure,
        duration_ms: Math.round(result.durationMs),
        ...(written ? {} : { recorded: false }),
      },
      'attempt',
    );
  }
}

function toOutcome(
  work: DeliveryWork,
  verdict: Verdict,
  startedAtMs: number,
  result: AttemptResult,
  failure: string | null,
): Outcome {
  const attempt: AttemptRecord = {
    startedAtMs,
    durationMs: result.durationMs,
    statusCode: result.statusCode,
    errorClass: failure,
    error: result.error,
    responseBody: result.responseBody,
    responseTruncated: result.responseTruncated,
  };
  switch (verdict.kind) {
    case 'delivered':
      return { work, state: 'delivered', attempt, dueAtMs: null };
    case 'retry':
      return { work, state: 'retrying', attempt, dueAtMs: verdict.atMs };
    case 'exhausted':
    case 'disable_webhook':
      return { work, state: 'exhausted', attempt, dueAtMs: null };
  }
}
