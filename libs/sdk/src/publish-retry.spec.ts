import { isRetryableStatus, retryDelayMs } from './publish-retry';

describe('retryDelayMs', () => {
  it('doubles from 200 ms up to 5 s', () => {
    expect([0, 1, 2, 3, 4, 5, 20].map((retry) => retryDelayMs(retry, null, 0))).toEqual([
      200, 400, 800, 1_600, 3_200, 5_000, 5_000,
    ]);
  });

  it('leaves out up to half by chance', () => {
    expect(retryDelayMs(0, null, 0.5)).toBe(150);
    expect(retryDelayMs(0, null, 1)).toBe(100);
  });

  it('waits as long as Retry-After asks, and not at all when that is more than 30 s', () => {
    expect(retryDelayMs(0, 3_000, 1)).toBe(3_000);
    expect(retryDelayMs(5, 0, 0)).toBe(5_000);
    expect(retryDelayMs(0, 30_000, 0)).toBe(30_000);
    expect(retryDelayMs(0, 30_001, 0)).toBeNull();
  });
});

describe('isRetryableStatus', () => {
  it('holds for what says "not now" only', () => {
    expect([429, 502, 503, 504].every(isRetryableStatus)).toBe(true);
    expect([400, 401, 403, 404, 409, 413, 422, 500].some(isRetryableStatus)).toBe(false);
  });
});
