import { TokenFreshness } from './token-freshness';

/** A database that can be taken away, and how often it was asked. */
function fakeSource() {
  const source = {
    looks: 0,
    clears: 0,
    isAway: false,
    look(): Promise<void> {
      source.looks += 1;
      return source.isAway ? Promise.reject(new Error('away')) : Promise.resolve();
    },
  };
  const freshness = new TokenFreshness(
    () => source.look(),
    () => (source.clears += 1),
  );
  return { source, freshness };
}

describe('TokenFreshness', () => {
  it('looks before the first use, then in the background, once for all who ask', async () => {
    const { source, freshness } = fakeSource();
    const waits = [freshness.ensure(1_000), freshness.ensure(1_000)];
    expect(waits.every((wait) => wait !== null)).toBe(true);
    for (const wait of waits) await wait;
    expect(source.looks).toBe(1);
    expect(freshness.ensure(1_400)).toBeNull();
    expect(source.looks).toBe(1);
    expect(freshness.ensure(1_401)).toBeNull();
    expect(source.looks).toBe(2);
  });

  it('is never used when the newest look is older than 900 ms', async () => {
    const { source, freshness } = fakeSource();
    await freshness.ensure(1_000);
    const { looks } = source;
    await expect(freshness.ensure(1_901)).resolves.toBeUndefined();
    expect(source.looks).toBe(looks + 1);
  });

  it('empties the cache after a gap in which changes may have passed unseen', async () => {
    const { source, freshness } = fakeSource();
    await freshness.ensure(1_000);
    const before = source.clears;
    await freshness.ensure(5_900);
    expect(source.clears).toBe(before);
    await freshness.ensure(10_901);
    expect(source.clears).toBe(before + 1);
  });

  it('stays usable for 5 s while the database is away, asking it only now and then', async () => {
    const { source, freshness } = fakeSource();
    await freshness.ensure(1_000);
    const { looks, clears } = source;
    source.isAway = true;
    for (let nowMs = 2_000; nowMs <= 5_990; nowMs += 10) await freshness.ensure(nowMs);
    expect(source.clears).toBe(clears);
    expect(source.looks - looks).toBeLessThanOrEqual(10);
    await freshness.ensure(6_001);
    expect(source.clears).toBe(clears + 1);
  });
});
