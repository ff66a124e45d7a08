import { Inject, Injectable } from '@nestjs/common';
import { isWorthRepeating } from '#database/database-errors';
import { isHolding, type WebhookTarget } from '#database/webhook-target';
import type { DeliveryClient } from '#delivery-client/delivery-client';
import type { AttemptResult } from '#delivery-client/exchange';
import { isUnreachable } from '#webhook-rules/breaker';
import { deliveryBody, deliveryHeaders } from '#webhook-rules/delivery-request';
import { failureClassOf, judge } from '#webhook-rules/outcome';
import { WebhookDirectory } from '../webhooks/webhook-directory';
import { WebhookHealth } from '../webhooks/health-monitor/webhook-health';
import { DispatcherIdentity } from '../ownership/dispatcher-identity';
import { Aftermath } from './aftermath';
import { deliveryContent, type DeliveryWork } from '../lanes/delivery-work';
import type { LaneSignal } from '../lanes/lanes';
import type { AttemptRecord, Outcome } from '../record/outcome';
import { Recorder } from '../record/recorder';

/** Injection token of the dispatcher's {@link DeliveryClient}. */
export const DELIVERY_CLIENT = Symbol('delivery client');

/** How long a delivery waits that could not be attempted for a reason of ours. */
const OUR_FAULT_WAIT_MS = 60_000;
/** Statuses by which a receiver, or a proxy before it, says that it is overloaded. */
const OVERLOADED: ReadonlySet<number> = new Set([429, 502, 503, 504]);

/** One attempt from start to end: look up, sign, send, judge, record. */
@Injectable()
export class Attempt {
  constructor(
    @Inject(DELIVERY_CLIENT) private readonly client: DeliveryClient,
    private readonly directory: WebhookDirectory,
    private readonly identity: DispatcherIdentity,
    private readonly health: WebhookHealth,
    private readonly recorder: Recorder,
    private readonly aftermath: Aftermath,
  ) {}

  /**
   * Resolves once the outcome is committed, or another dispatcher owns the delivery. Never rejects.
   * @param onRequestEnd called when the request has ended, before its outcome is committed.
   */
  async run(work: DeliveryWork, onRequestEnd: (signal: LaneSignal) => void): Promise<void> {
    try {
      await this.tryAttempt(work, onRequestEnd);
    } catch (error) {
      if (isWorthRepeating(error)) {
        // The database is away: this is written, and the delivery retried, once it is back.
        await this.finishWithoutRequest(work, 'queued', Date.now());
        return;
      }
      this.aftermath.ourFault(work, error);
      await this.finishWithoutRequest(work, 'queued', Date.now() + OUR_FAULT_WAIT_MS);
    }
  }

  /** Ends a turn without a request: cancels the delivery, or puts it back until it is due. */
  async finishWithoutRequest(
    work: DeliveryWork,
    state: 'cancelled' | 'queued' | 'throttled' | 'held',
    dueAtMs: number | null,
  ): Promise<void> {
    await this.recorder.record({ work, state, attempt: null, isProbe: false, dueAtMs });
  }

  private async tryAttempt(work: DeliveryWork, onRequestEnd: (signal: LaneSignal) => void): Promise<void> {
    const target = await this.directory.target(work.tenantId, work.webhookId);
    const startedAtMs = Date.now();
    if (target !== undefined && isHolding(target)) return this.finishWithoutRequest(work, 'held', startedAtMs);
    if (target?.active !== true) return this.finishWithoutRequest(work, 'cancelled', null);
    if (target.unreadable) return this.finishWithoutRequest(work, 'queued', startedAtMs + OUR_FAULT_WAIT_MS);
    if (!this.identity.maySend()) return this.finishWithoutRequest(work, 'queued', startedAtMs);

    const content = deliveryContent(work, target);
    const body = deliveryBody(content);
    const headers = deliveryHeaders(content, body, target.keys, target.headers, startedAtMs);
    const { url, timeoutMs, allowedCidrs } = target;
    const result = await this.client.send({ url, headers, body, timeoutMs, allowedCidrs });
    const failure = failureClassOf(result.outcome);
    if (failure === 'interrupted') return this.finishWithoutRequest(work, 'queued', Date.now());

    const endedAtMs = Date.now();
    this.health.note(work, failure, result.error, endedAtMs);
    const outcome = this.judge(work, target, startedAtMs, endedAtMs, result, failure);
    onRequestEnd(signalOf(result, failure));
    const written = await this.recorder.record(outcome);
    await this.aftermath.follow(outcome, target, result, written);
  }

  private judge(
    work: DeliveryWork,
    target: WebhookTarget,
    startedAtMs: number,
    endedAtMs: number,
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
    if (isUnreachable(failure) && this.health.isUnreachable(target.id)) {
      // Endpoint unreachable: wait for the next probe without using up an attempt.
      const dueAtMs = endedAtMs + this.health.waitMs(target.id);
      return { work, state: 'throttled', attempt, isProbe: true, dueAtMs };
    }
    const attemptsMade = work.attempts - work.probes + 1;
    const verdict = judge(result.outcome, target.retryPolicy, attemptsMade, endedAtMs, Math.random());
    switch (verdict.kind) {
      case 'delivered':
        return { work, state: 'delivered', attempt, isProbe: false, dueAtMs: null };
      case 'retry':
        return { work, state: 'retrying', attempt, isProbe: false, dueAtMs: verdict.atMs };
      case 'exhausted':
      case 'disable_webhook':
        return { work, state: 'exhausted', attempt, isProbe: false, dueAtMs: null };
    }
  }
}

function signalOf(result: AttemptResult, failure: string | null): LaneSignal {
  if (isUnreachable(failure)) return 'unreachable';
  return result.statusCode !== null && OVERLOADED.has(result.statusCode) ? 'overloaded' : 'responded';
}
