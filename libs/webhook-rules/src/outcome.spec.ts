import {
  ERROR_CLASSES,
  failureClassOf,
  judge,
  MAX_RETRY_AFTER_MS,
  type AttemptOutcome,
  type ErrorClass,
  type Verdict,
} from './outcome';
import { DEFAULT_RETRY_POLICY, type RetryPolicy } from './retry-policy';

const nowMs = 1_700_000_000_000;
const response = (statusCode: number, retryAfterMs: number | null = null): AttemptOutcome => ({
  kind: 'response',
  statusCode,
  retryAfterMs,
});
const error = (errorClass: ErrorClass): AttemptOutcome => ({ kind: 'error', errorClass });
const verdict = (outcome: AttemptOutcome, changes: Partial<RetryPolicy> = {}, attemptsMade = 1): Verdict =>
  judge(outcome, { ...DEFAULT_RETRY_POLICY, ...changes }, attemptsMade, nowMs, 0);

describe('judging a response', () => {
  it.each([200, 201, 202, 204, 299])('takes %d as delivered', (status) => {
    expect(verdict(response(status))).toEqual({ kind: 'delivered' });
  });

  it.each([500, 502, 503, 504, 599, 429])('retries a %d after the first delay', (status) => {
    expect(verdict(response(status))).toEqual({ kind: 'retry', atMs: nowMs + 1000 });
  });

  it.each([301, 302, 304, 400, 401, 404, 408, 422])('gives up on a %d', (status) => {
    expect(verdict(response(status))).toEqual({ kind: 'exhausted' });
  });

  it('disables the webhook on a 410, even where the policy would retry it', () => {
    expect(verdict(response(410))).toEqual({ kind: 'disable_webhook' });
    expect(verdict(response(410), { retryOnStatus: [410] })).toEqual({ kind: 'disable_webhook' });
  });

  it('gives up when the last attempt is made', () => {
    expect(verdict(response(500), {}, 2)).toEqual({ kind: 'retry', atMs: nowMs + 2000 });
    expect(verdict(response(500), {}, 3)).toEqual({ kind: 'exhausted' });
    expect(verdict(response(500), { maxAttempts: 1 }, 1)).toEqual({ kind: 'exhausted' });
  });

  it('lets a given list of statuses replace the default, and leaves network errors alone', () => {
    const retryOnStatus = [404, 502];
    expect(verdict(response(404), { retryOnStatus }).kind).toBe('retry');
    expect(verdict(response(500), { retryOnStatus }).kind).toBe('exhausted');
    expect(verdict(response(429), { retryOnStatus }).kind).toBe('exhausted');
    expect(verdict(response(200), { retryOnStatus: [200] }).kind).toBe('delivered');
    expect(verdict(error('connection_refused'), { retryOnStatus: [] }).kind).toBe('retry');
  });
});

describe('Retry-After', () => {
  it.each([429, 503])('postpones the retry of a %d', (status) => {
    expect(verdict(response(status, 30_000))).toEqual({ kind: 'retry', atMs: nowMs + 30_000 });
  });

  it('never brings a retry forward', () => {
    expect(verdict(response(503, 0))).toEqual({ kind: 'retry', atMs: nowMs + 1000 });
    expect(verdict(response(503, 999))).toEqual({ kind: 'retry', atMs: nowMs + 1000 });
  });

  it('is ignored on other statuses', () => {
    expect(verdict(response(500, 30_000))).toEqual({ kind: 'retry', atMs: nowMs + 1000 });
  });

  it('may pass maxDelayMs but not 24 hours', () => {
    expect(verdict(response(429, 120_000))).toEqual({ kind: 'retry', atMs: nowMs + 120_000 });
    expect(verdict(response(429, Infinity))).toEqual({ kind: 'retry', atMs: nowMs + MAX_RETRY_AFTER_MS });
  });
});

describe('judging an attempt without a response', () => {
  const neverRetried: ErrorClass[] = ['invalid_request'];
  const timeouts: ErrorClass[] = ['timeout', 'connect_timeout'];

  it.each(ERROR_CLASSES.filter((name) => !neverRetried.includes(name) && name !== 'interrupted'))(
    'retries %s',
    (name) => {
      expect(verdict(error(name))).toEqual({ kind: 'retry', atMs: nowMs + 1000 });
      expect(verdict(error(name), {}, 3)).toEqual({ kind: 'exhausted' });
    },
  );

  it.each(neverRetried)('gives up on %s', (name) => {
    expect(verdict(error(name))).toEqual({ kind: 'exhausted' });
  });

  it.each(timeouts)('gives up on %s when the policy does not retry timeouts', (name) => {
    expect(verdict(error(name), { retryOnTimeout: false })).toEqual({ kind: 'exhausted' });
  });

  it('does not count a connection refused as a timeout', () => {
    expect(verdict(error('connection_refused'), { retryOnTimeout: false }).kind).toBe('retry');
  });

  it('takes up at once what our own shutdown interrupted, even at the last attempt', () => {
    expect(verdict(error('interrupted'), {}, 3)).toEqual({ kind: 'retry', atMs: nowMs });
  });
});

describe('the class of a failure', () => {
  it('is null for a delivery, http_status for another response, else the error class', () => {
    expect(failureClassOf(response(204))).toBeNull();
    expect(failureClassOf(response(302))).toBe('http_status');
    expect(failureClassOf(error('tls_error'))).toBe('tls_error');
  });
});
