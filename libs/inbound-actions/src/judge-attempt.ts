import { MAX_RETRY_AFTER_MS } from '#webhook-rules/outcome';
import { retryDelayMs, type RetryPolicy } from '#webhook-rules/retry-policy';
import type { ActionOutcome } from './action-run';
import { storableResult } from './storable-result';

/** What becomes of a run after an attempt. */
export interface AttemptVerdict {
  readonly status: 'succeeded' | 'failed' | 'waiting';
  /** Whether the attempt was one: what was postponed or interrupted counts for nothing. */
  readonly counts: boolean;
  /** Until the next attempt; 0 where there is none. */
  readonly delayMs: number;
  /** JSON to be kept; null for what the run holds already. */
  readonly result: string | null;
  readonly error: string | null;
}

/** Judges an attempt's outcome; `attempt` counts from 1, and `random` is from 0 to 1, for jitter. */
export function judgeAttempt(
  outcome: ActionOutcome,
  policy: RetryPolicy,
  attempt: number,
  random: number,
): AttemptVerdict {
  switch (outcome.kind) {
    case 'succeeded':
      return { status: 'succeeded', counts: true, delayMs: 0, result: storableResult(outcome.result), error: null };
    case 'interrupted':
      return { status: 'waiting', counts: false, delayMs: 0, result: null, error: null };
    case 'postponed': {
      const { forMs, reason } = outcome;
      return { status: 'waiting', counts: false, delayMs: capped(forMs), result: resultOf(outcome), error: reason };
    }
    case 'failed': {
      const written = { counts: true, result: resultOf(outcome), error: outcome.error };
      if (isFinal(outcome, policy) || attempt >= policy.maxAttempts)
        return { ...written, status: 'failed', delayMs: 0 };
      const delayMs = Math.max(retryDelayMs(policy, attempt, random), capped(outcome.retryAfterMs));
      return { ...written, status: 'waiting', delayMs };
    }
  }
}

/** A policy that names statuses decides on those; it says nothing of what failed without an answer. */
function isFinal(failure: ActionOutcome & { kind: 'failed' }, { retryOnStatus }: RetryPolicy): boolean {
  const { statusCode } = failure;
  return statusCode === undefined || retryOnStatus === null ? failure.isFinal : !retryOnStatus.includes(statusCode);
}

function resultOf(outcome: { readonly result?: unknown }): string | null {
  return outcome.result === undefined ? null : storableResult(outcome.result);
}

function capped(waitMs: number): number {
  return Math.min(waitMs, MAX_RETRY_AFTER_MS);
}
