import { periodsOf, startOfPeriod, statsRange, type Period } from './periods';

const ms = (text: string): number => Date.parse(text);
const text = (atMs: number): string => new Date(atMs).toISOString();

describe('startOfPeriod', () => {
  it.each<[Period, string, string]>([
    ['hour', '2024-02-29T12:34:56.789Z', '2024-02-29T12:00:00.000Z'],
    ['day', '2024-02-29T23:59:59.999Z', '2024-02-29T00:00:00.000Z'],
    ['week', '2024-01-07T23:59:59.999Z', '2024-01-01T00:00:00.000Z'],
    ['week', '2024-01-08T00:00:00.000Z', '2024-01-08T00:00:00.000Z'],
    ['week', '1970-01-01T00:00:00.000Z', '1969-12-29T00:00:00.000Z'],
    ['month', '2024-12-31T23:59:59.999Z', '2024-12-01T00:00:00.000Z'],
  ])('of a %s: %s began at %s', (period, at, start) => {
    expect(text(startOfPeriod(period, ms(at)))).toBe(start);
  });
});

describe('statsRange', () => {
  const NOW = ms('2024-01-10T12:34:56Z');
  const range = (period: Period, from?: string, until?: string): string[] => {
    const { fromMs, untilMs } = statsRange(
      period,
      (from && ms(from)) || undefined,
      (until && ms(until)) || undefined,
      NOW,
    );
    return [text(fromMs), text(untilMs)];
  };

  it.each<[Period, string, number]>([
    ['hour', '2024-01-09T13:00:00.000Z', 24],
    ['day', '2024-01-04T00:00:00.000Z', 7],
    ['week', '2023-10-23T00:00:00.000Z', 12],
    ['month', '2023-02-01T00:00:00.000Z', 12],
  ])('by %s reaches back to %s, over %i periods', (period, from, count) => {
    expect(range(period)).toEqual([from, '2024-01-10T13:00:00.000Z']);
    expect(periodsOf(period, statsRange(period, undefined, undefined, NOW), 1_000)).toHaveLength(count);
  });

  it('is widened to whole hours', () => {
    expect(range('day', '2024-01-01T10:20:00Z', '2024-01-02T10:20:00Z')).toEqual([
      '2024-01-01T10:00:00.000Z',
      '2024-01-02T11:00:00.000Z',
    ]);
  });

  it('counts back from an end that is given', () => {
    expect(range('day', undefined, '2024-01-08T00:00:00Z')).toEqual([
      '2024-01-01T00:00:00.000Z',
      '2024-01-08T00:00:00.000Z',
    ]);
  });
});

describe('periodsOf', () => {
  it('has every period that the range touches, also across the end of a year', () => {
    const range = { fromMs: ms('2023-11-15T00:00:00Z'), untilMs: ms('2024-02-01T00:00:00Z') };
    expect(periodsOf('month', range, 1_000).map(text)).toEqual([
      '2023-11-01T00:00:00.000Z',
      '2023-12-01T00:00:00.000Z',
      '2024-01-01T00:00:00.000Z',
    ]);
  });

  it('stops one beyond the greatest number', () => {
    expect(periodsOf('hour', { fromMs: 0, untilMs: Date.UTC(9999, 0, 1) }, 1_000)).toHaveLength(1_001);
  });

  it('is empty for an empty range', () => {
    expect(periodsOf('day', { fromMs: 0, untilMs: 0 }, 1_000)).toEqual([]);
  });
});
