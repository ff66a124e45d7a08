import { DEFAULT_RETRY_POLICY, RETRY_POLICY_BOUNDS, retryDelayMs, type RetryPolicy } from './retry-policy';

const policy = (changes: Partial<RetryPolicy>): RetryPolicy => ({ ...DEFAULT_RETRY_POLICY, ...changes });
const delays = (p: RetryPolicy, count: number): number[] =>
  Array.from({ length: count }, (_, index) => retryDelayMs(p, index + 1, 0));

describe('the delay before a retry', () => {
  it.each([
    ['linear', [1000, 2000, 3000, 4000, 5000, 6000, 7000]],
    ['exponential', [1000, 2000, 4000, 8000, 16_000, 32_000, 60_000]],
    ['fixed', [1000, 1000, 1000, 1000, 1000, 1000, 1000]],
  ] as const)('grows %s', (backoffStrategy, expected) => {
    expect(delays(policy({ backoffStrategy }), 7)).toEqual(expected);
  });

  it.each(['linear', 'exponential', 'fixed'] as const)('is capped by maxDelayMs, %s', (backoffStrategy) => {
    expect(delays(policy({ backoffStrategy, initialDelayMs: 5000, maxDelayMs: 3000 }), 3)).toEqual([3000, 3000, 3000]);
  });

  it.each([50, 1_100, Number.MAX_SAFE_INTEGER])('does not overflow at attempt %d', (attempt) => {
    const widest = { initialDelayMs: 3_600_000, maxDelayMs: 86_400_000 };
    expect(retryDelayMs(policy(widest), attempt, 0)).toBe(86_400_000);
    expect(retryDelayMs(policy({ initialDelayMs: 0 }), attempt, 0)).toBe(0);
  });

  it('loses at most the share that jitter names, and never grows', () => {
    const jittered = policy({ jitter: 0.25 });
    expect(retryDelayMs(jittered, 2, 0)).toBe(2000);
    expect(retryDelayMs(jittered, 2, 0.5)).toBe(1750);
    expect(retryDelayMs(jittered, 2, 0.999_999)).toBe(1500);
    expect(retryDelayMs(policy({ jitter: 1 }), 20, 0)).toBe(60_000);
  });

  it('is a whole number of milliseconds', () => {
    expect(retryDelayMs(policy({ jitter: 1 }), 1, 0.123_456)).toBe(877);
  });
});

describe('the default policy', () => {
  it("is the reference's", () => {
    expect(DEFAULT_RETRY_POLICY).toMatchObject({
      maxAttempts: 3,
      backoffStrategy: 'exponential',
      initialDelayMs: 1000,
      maxDelayMs: 60_000,
    });
  });

  it.each(['maxAttempts', 'initialDelayMs', 'maxDelayMs', 'jitter'] as const)('keeps the bounds of %s', (field) => {
    expect(DEFAULT_RETRY_POLICY[field]).toBeGreaterThanOrEqual(RETRY_POLICY_BOUNDS[field].min);
    expect(DEFAULT_RETRY_POLICY[field]).toBeLessThanOrEqual(RETRY_POLICY_BOUNDS[field].max);
  });
});
