/** How the delay grows from one attempt to the next. */
export type BackoffStrategy = 'linear' | 'exponential' | 'fixed';

export const BACKOFF_STRATEGIES: readonly BackoffStrategy[] = ['linear', 'exponential', 'fixed'];

/** When a failed delivery is tried again, and how often. */
export interface RetryPolicy {
  /** All attempts, the first included. */
  readonly maxAttempts: number;
  readonly backoffStrategy: BackoffStrategy;
  readonly initialDelayMs: number;
  readonly maxDelayMs: number;
  /** The statuses that are retried, or null for the default (>= 500 and 429). */
  readonly retryOnStatus: readonly number[] | null;
  readonly retryOnTimeout: boolean;
  /** The share of a delay, 0 to 1, that chance may take off it. */
  readonly jitter: number;
}

/** The reference's default policy. */
export const DEFAULT_RETRY_POLICY: RetryPolicy = {
  maxAttempts: 3,
  backoffStrategy: 'exponential',
  initialDelayMs: 1_000,
  maxDelayMs: 60_000,
  retryOnStatus: null,
  retryOnTimeout: true,
  jitter: 0,
};

/** The bounds within which a policy may be chosen (DESIGN.md, "Bounds"), both ends included. */
export const RETRY_POLICY_BOUNDS = {
  maxAttempts: { min: 1, max: 50 },
  initialDelayMs: { min: 0, max: 3_600_000 },
  maxDelayMs: { min: 0, max: 86_400_000 },
  retryOnStatus: { min: 100, max: 599, maxItems: 100 },
  jitter: { min: 0, max: 1 },
} as const;

/** Beyond 2^52 the product is far above every allowed maxDelayMs, and Infinity * 0 would be NaN. */
const MAX_EXPONENT = 52;

/**
 * The milliseconds to wait after a failed attempt, by the reference's formulas: linear
 * `initial * attempt`, exponential `initial * 2^(attempt-1)`, fixed `initial`; capped by maxDelayMs.
 *
 * `attempt` counts from 1. Jitter only shortens: the result lies within
 * `[delay * (1 - jitter), delay]`, so that it never passes maxDelayMs; `random` is from [0, 1).
 */
export function retryDelayMs(policy: RetryPolicy, attempt: number, random: number): number {
  const delayMs = Math.min(policy.initialDelayMs * growth(policy.backoffStrategy, attempt), policy.maxDelayMs);
  return Math.round(delayMs * (1 - policy.jitter * random));
}

function growth(strategy: BackoffStrategy, attempt: number): number {
  switch (strategy) {
    case 'linear':
      return attempt;
    case 'exponential':
      return 2 ** Math.min(attempt - 1, MAX_EXPONENT);
    case 'fixed':
      return 1;
  }
}
