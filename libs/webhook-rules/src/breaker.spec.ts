import { isUnreachable, lengthen, probeAfterMs, isConfirmedUnreachable, type UnreachableStreak } from './breaker';

describe('breaker', () => {
  it('opens after ten attempts in a row over at least five seconds', () => {
    let streak: UnreachableStreak | undefined;
    for (let index = 0; index < 9; index += 1) streak = lengthen(streak, 1_000 * index);
    expect(streak !== undefined && isConfirmedUnreachable(streak, 9_000)).toBe(false);
    expect(isConfirmedUnreachable(lengthen(streak, 9_000), 9_000)).toBe(true);
  });

  it('does not open for a burst that fails at once', () => {
    let streak: UnreachableStreak | undefined;
    for (let index = 0; index < 50; index += 1) streak = lengthen(streak, 1_000);
    expect(streak !== undefined && isConfirmedUnreachable(streak, 1_500)).toBe(false);
  });

  it('probes at intervals that double up to five minutes', () => {
    const intervals: number[] = [];
    let last: number | null = null;
    for (let index = 0; index < 7; index += 1) intervals.push((last = probeAfterMs(last)));
    expect(intervals).toEqual([10_000, 20_000, 40_000, 80_000, 160_000, 300_000, 300_000]);
  });

  it.each([
    ['timeout', true],
    ['connection_refused', true],
    ['dns_error', true],
    ['http_status', false],
    ['connection_reset', false],
    [null, false],
  ])('takes %p as unreachable: %p', (failure, unreachable) => {
    expect(isUnreachable(failure)).toBe(unreachable);
  });
});
