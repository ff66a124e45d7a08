const FIRST_DELAY_MS = 200;
const MAX_DELAY_MS = 5_000;
/** Whoever is told to wait longer than this is better off with the error. */
const MAX_RETRY_AFTER_MS = 30_000;

/** Statuses that say "not now": those of the service itself and of a proxy before it. */
const RETRYABLE: ReadonlySet<number> = new Set([429, 502, 503, 504]);

/** Whether a request under an idempotency key may succeed when it is sent again. */
export function isRetryableStatus(status: number): boolean {
  return RETRYABLE.has(status);
}

/**
 * Milliseconds to wait before a retry: 200 ms, doubled with each, at most 5 s, of which up to half is left out by chance
 * so that publishers do not come back all at once; but never less than `Retry-After` asks for.
 * @param retry 0 for the first retry.
 * @param retryAfterMs null when the answer asked for nothing.
 * @param random 0 to 1.
 * @returns null when `Retry-After` asks for more than 30 s, which is not waited for.
 */
export function retryDelayMs(retry: number, retryAfterMs: number | null, random: number): number | null {
  if (retryAfterMs !== null && retryAfterMs > MAX_RETRY_AFTER_MS) return null;
  const delayMs = Math.min(FIRST_DELAY_MS * 2 ** retry, MAX_DELAY_MS);
  return Math.max(delayMs * (1 - random / 2), retryAfterMs ?? 0);
}
