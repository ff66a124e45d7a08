import { WeightedCache } from './weighted-cache';

describe('WeightedCache', () => {
  it('forgets what was used least recently when all weigh too much', () => {
    const cache = new WeightedCache<string>(10);
    cache.put('a', 'A', 4);
    cache.put('b', 'B', 4);
    expect(cache.get('a')).toBe('A');
    cache.put('c', 'C', 4);
    expect([cache.get('a'), cache.get('b'), cache.get('c')]).toEqual(['A', undefined, 'C']);
  });

  it('counts a value that is put in again once', () => {
    const cache = new WeightedCache<number>(10);
    for (let round = 0; round < 5; round += 1) cache.put('a', round, 6);
    cache.put('b', 1, 4);
    expect([cache.get('a'), cache.get('b')]).toEqual([4, 1]);
  });

  it('keeps one value that alone weighs too much, until the next', () => {
    const cache = new WeightedCache<number>(10);
    cache.put('a', 1, 100);
    expect(cache.get('a')).toBe(1);
    cache.put('b', 2, 1);
    expect([cache.get('a'), cache.get('b')]).toEqual([undefined, 2]);
  });
});
