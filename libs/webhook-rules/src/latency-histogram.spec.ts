import { mergeHistograms, percentileMs } from './latency-histogram';

function exactPercentile(values: number[], share: number): number {
  const sorted = [...values].sort((a, b) => a - b);
  return sorted[Math.max(1, Math.ceil(sorted.length * share)) - 1] ?? 0;
}

describe('latency histogram', () => {
  it('is within 2 % of every single response time, and exact for small ones', () => {
    for (let ms = 0; ms <= 60_000; ms += ms < 2_000 ? 1 : 37) {
      const found = percentileMs(mergeHistograms([], [ms]), 0.5) ?? -1;
      expect(Math.abs(found - ms)).toBeLessThanOrEqual(ms <= 25 ? 0 : ms * 0.02 + 0.5);
    }
  });

  it.each([0.5, 0.95, 0.99])('gives percentile %p of a skewed set within 2 %', (share) => {
    const values = Array.from({ length: 5_000 }, (_, index) => Math.round(20 * 1.0014 ** index));
    const exact = exactPercentile(values, share);
    expect(Math.abs((percentileMs(mergeHistograms([], values), share) ?? 0) - exact)).toBeLessThanOrEqual(
      exact * 0.02 + 0.5,
    );
  });

  it('gives the same when merged from parts', () => {
    const values = Array.from({ length: 1_000 }, (_, index) => (index * 7919) % 30_000);
    const whole = mergeHistograms([], values);
    const parts = [values.slice(0, 100), values.slice(100, 500), values.slice(500)].map((part) =>
      mergeHistograms([], part),
    );
    expect(mergeHistograms(parts)).toEqual(whole);
    expect(mergeHistograms(parts.slice(1), values.slice(0, 100))).toEqual(whole);
  });

  it('has no percentile when it holds nothing', () => {
    expect(percentileMs(mergeHistograms([]), 0.95)).toBeNull();
  });
});
