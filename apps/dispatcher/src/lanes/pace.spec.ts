import { Pace } from './pace';

describe('Pace', () => {
  it('never starts more in a second than allowed, from its first moment on', () => {
    const pace = new Pace(10, 0);
    const starts: number[] = [];
    for (let now = 0; now <= 5_000; now += 1) {
      if (pace.waitMs(now) > 0) continue;
      pace.start(now);
      starts.push(now);
    }
    for (const start of starts) {
      expect(starts.filter((other) => other >= start && other < start + 1_000).length).toBeLessThanOrEqual(10);
    }
    expect(starts.length).toBeGreaterThanOrEqual(49);
    expect(starts[0]).toBe(100);
  });

  it('does not make up for a pause by a burst', () => {
    const pace = new Pace(10, 0);
    pace.start(60_000);
    expect(pace.waitMs(60_000)).toBe(100);
  });

  it('goes on at a new rate', () => {
    const pace = new Pace(1, 0);
    pace.setRate(100);
    pace.start(5_000);
    expect(pace.waitMs(5_000)).toBe(10);
  });
});
