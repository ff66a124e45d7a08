import { parseRetryAfterMs } from './retry-after';

const nowMs = Date.UTC(1994, 10, 6, 8, 49, 7);

describe('Retry-After', () => {
  it.each([
    ['0', 0],
    ['120', 120_000],
    [' 5 ', 5000],
    ['9999999999', 9_999_999_999_000],
  ])('reads the seconds %j', (value, expected) => {
    expect(parseRetryAfterMs(value, nowMs)).toBe(expected);
  });

  it.each(['Sun, 06 Nov 1994 08:49:37 GMT', 'Sunday, 06-Nov-94 08:49:37 GMT', 'Sun Nov  6 08:49:37 1994'])(
    'reads the HTTP date %j',
    (value) => {
      expect(parseRetryAfterMs(value, nowMs)).toBe(30_000);
    },
  );

  it('takes a date that has passed as no wait', () => {
    expect(parseRetryAfterMs('Sat, 05 Nov 1994 08:49:37 GMT', nowMs)).toBe(0);
  });

  it.each(['', '-1', '1.5', '1e3', 'soon', '99999999999', '1994-11-06', 'Sun, 99 Nov 1994 08:49:37 GMT'])(
    'ignores %j',
    (value) => {
      expect(parseRetryAfterMs(value, nowMs)).toBeNull();
    },
  );
});
