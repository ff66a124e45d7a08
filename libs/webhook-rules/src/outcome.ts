import { retryDelayMs, type RetryPolicy } from './retry-policy';

/**
 * Why an attempt brought no complete response.
 *
 * `blocked_address`: the URL's host leads to an address that deliveries may not reach.
 * `invalid_request`: the request could not be put into HTTP (a header value, say); no byte was sent.
 * `connection_closed` and `connection_reset`: before any answer; once the answer has begun it is `incomplete_response`.
 * `interrupted`: this process stopped it while shutting down; hand the delivery back, do not record it.
 */
export const ERROR_CLASSES = [
  'blocked_address',
  'connect_timeout',
  'connection_closed',
  'connection_refused',
  'connection_reset',
  'dns_error',
  'headers_too_large',
  'host_unreachable',
  'incomplete_response',
  'interrupted',
  'invalid_request',
  'invalid_response',
  'network_error',
  'response_too_large',
  'timeout',
  'tls_error',
  'tls_expired',
  'tls_untrusted',
  'tls_version',
  'tls_wrong_name',
] as const;

export type ErrorClass = (typeof ERROR_CLASSES)[number];

/** What one attempt came to: a complete response, or none. */
export type AttemptOutcome =
  | { readonly kind: 'response'; readonly statusCode: number; readonly retryAfterMs: number | null }
  | { readonly kind: 'error'; readonly errorClass: ErrorClass };

/** What is to be done with the delivery after an attempt. */
export type Verdict =
  | { readonly kind: 'delivered' }
  | { readonly kind: 'retry'; readonly atMs: number }
  /** No further attempt: none is left, or another would not help. */
  | { readonly kind: 'exhausted' }
  /** As exhausted, and the receiver asks never to be called again. */
  | { readonly kind: 'disable_webhook' };

/** Longest time that a receiver may postpone a retry by Retry-After; the same as the longest max_delay. */
export const MAX_RETRY_AFTER_MS = 86_400_000;

const DELIVERED: Verdict = { kind: 'delivered' };
const EXHAUSTED: Verdict = { kind: 'exhausted' };
const DISABLE_WEBHOOK: Verdict = { kind: 'disable_webhook' };

/**
 * Judges the outcome of an attempt: only 2xx is a delivery, 410 disables the webhook (Standard
 * Webhooks), and the retry policy decides on everything else.
 *
 * `attemptsMade` includes the attempt being judged; `random` is from [0, 1) and feeds the jitter.
 * Retry-After on 429 and 503 postpones the retry and never brings it forward.
 */
export function judge(
  outcome: AttemptOutcome,
  policy: RetryPolicy,
  attemptsMade: number,
  nowMs: number,
  random: number,
): Verdict {
  if (isSuccess(outcome)) return DELIVERED;
  if (outcome.kind === 'response' && outcome.statusCode === 410) return DISABLE_WEBHOOK;
  // Our own stop says nothing about the receiver, so it may not use up the last attempt.
  if (outcome.kind === 'error' && outcome.errorClass === 'interrupted') return { kind: 'retry', atMs: nowMs };
  if (attemptsMade >= policy.maxAttempts || !isRetryable(outcome, policy)) return EXHAUSTED;
  const delayMs = retryDelayMs(policy, attemptsMade, random);
  return { kind: 'retry', atMs: nowMs + Math.max(delayMs, postponedByMs(outcome)) };
}

/** Says whether the attempt was a delivery: a complete response with a 2xx status. */
export function isSuccess(outcome: AttemptOutcome): boolean {
  return outcome.kind === 'response' && outcome.statusCode >= 200 && outcome.statusCode < 300;
}

/** The stable word for a failed attempt (`http_status` for a response that is not 2xx), null for a delivery. */
export function failureClassOf(outcome: AttemptOutcome): ErrorClass | 'http_status' | null {
  if (outcome.kind === 'error') return outcome.errorClass;
  return isSuccess(outcome) ? null : 'http_status';
}

/**
 * Says whether another attempt could end differently.
 *
 * A blocked address is retried like any other network error: names change their addresses, and the
 * guard looks again before each attempt. A request that cannot be built stays that way.
 */
function isRetryable(outcome: AttemptOutcome, policy: RetryPolicy): boolean {
  if (outcome.kind === 'response') {
    return policy.retryOnStatus === null
      ? outcome.statusCode >= 500 || outcome.statusCode === 429
      : policy.retryOnStatus.includes(outcome.statusCode);
  }
  switch (outcome.errorClass) {
    case 'timeout':
    case 'connect_timeout':
      return policy.retryOnTimeout;
    case 'invalid_request':
      return false;
    default:
      return true;
  }
}

function postponedByMs(outcome: AttemptOutcome): number {
  if (outcome.kind !== 'response' || outcome.retryAfterMs === null) return 0;
  if (outcome.statusCode !== 429 && outcome.statusCode !== 503) return 0;
  return Math.min(outcome.retryAfterMs, MAX_RETRY_AFTER_MS);
}
