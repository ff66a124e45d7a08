import { MAX_RETRY_AFTER_MS } from '#webhook-rules/outcome';
import type { RetryPolicy } from '#webhook-rules/retry-policy';
import { failed, failedForGood, succeeded, type ActionOutcome } from './action-run';
import { judgeAttempt } from './judge-attempt';

const POLICY: RetryPolicy = {
  maxAttempts: 3,
  backoffStrategy: 'exponential',
  initialDelayMs: 1_000,
  maxDelayMs: 60_000,
  retryOnStatus: null,
  retryOnTimeout: true,
  jitter: 0,
};

const judge = (outcome: ActionOutcome, attempt = 1, policy: Partial<RetryPolicy> = {}) =>
  judgeAttempt(outcome, { ...POLICY, ...policy }, attempt, 0.5);

describe('a run after an attempt', () => {
  it('has succeeded with what came of it', () => {
    const ended = { status: 'succeeded', counts: true, delayMs: 0, error: null };
    expect(judge(succeeded({ sent: 1 }))).toEqual({ ...ended, result: '{"sent":1}' });
    expect(judge(succeeded(undefined))).toEqual({ ...ended, result: 'null' });
  });

  it('waits after a failure as its policy says, and keeps what the attempt left behind', () => {
    const waits = { status: 'waiting', counts: true, error: 'HTTP 500' };
    expect(judge(failed('HTTP 500'))).toEqual({ ...waits, delayMs: 1_000, result: null });
    expect(judge(failed('HTTP 500', { result: [1] }), 2)).toEqual({ ...waits, delayMs: 2_000, result: '[1]' });
  });

  it('waits longer where it was asked to, though no longer than a day', () => {
    expect(judge(failed('HTTP 429', { retryAfterMs: 30_000 }))).toMatchObject({ delayMs: 30_000 });
    expect(judge(failed('HTTP 429', { retryAfterMs: 10 }))).toMatchObject({ delayMs: 1_000 });
    expect(judge(failed('HTTP 429', { retryAfterMs: 10 ** 12 }))).toMatchObject({ delayMs: MAX_RETRY_AFTER_MS });
  });

  it('has failed after the last attempt, and at once where another one cannot mend it', () => {
    const ended = { status: 'failed', counts: true, delayMs: 0, result: null };
    expect(judge(failed('HTTP 500', { retryAfterMs: 5_000 }), 3)).toEqual({ ...ended, error: 'HTTP 500' });
    expect(judge(failedForGood('No such host'))).toEqual({ ...ended, error: 'No such host' });
  });

  it('goes by the statuses that its policy names, and else by what the failure says of itself', () => {
    const answered = (statusCode: number, isFinal: boolean): ActionOutcome => ({
      ...failed(`HTTP ${statusCode}`),
      ...{ isFinal, statusCode },
    });
    const policy = { retryOnStatus: [404] };
    expect(judge(answered(404, true), 1, policy).status).toBe('waiting');
    expect(judge(answered(500, false), 1, policy).status).toBe('failed');
    expect(judge(failed('ECONNRESET'), 1, policy).status).toBe('waiting');
    expect(judge(answered(404, true)).status).toBe('failed');
    expect(judge(answered(500, false)).status).toBe('waiting');
  });

  it('is as it was where the attempt was none', () => {
    const waits = { status: 'waiting', counts: false };
    expect(judge({ kind: 'interrupted' }, 3)).toEqual({ ...waits, delayMs: 0, result: null, error: null });
    const postponed: ActionOutcome = { kind: 'postponed', forMs: 700, reason: 'Too many', result: { sent: 2 } };
    expect(judge(postponed, 3)).toEqual({ ...waits, delayMs: 700, result: '{"sent":2}', error: 'Too many' });
  });
});
