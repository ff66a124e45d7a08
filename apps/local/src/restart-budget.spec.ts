import { RestartBudget } from './restart-budget';

describe('RestartBudget', () => {
  it('waits twice as long after each end in a row', () => {
    const budget = new RestartBudget();
    expect([0, 1_000, 3_000, 7_000].map((nowMs) => budget.noteEnd(nowMs))).toEqual([1_000, 2_000, 4_000, 8_000]);
  });

  it('gives up at the fifth end within 30 seconds', () => {
    const budget = new RestartBudget();
    for (const nowMs of [0, 1_000, 3_000, 7_000]) budget.noteEnd(nowMs);
    expect(budget.noteEnd(29_999)).toBeUndefined();
  });

  it('forgets ends that are 30 seconds old', () => {
    const budget = new RestartBudget();
    for (const nowMs of [0, 1_000, 3_000, 7_000]) budget.noteEnd(nowMs);
    expect(budget.noteEnd(37_000)).toBe(1_000);
  });
});
