import { cacheAddresses } from './address-cache';

describe('cached addresses', () => {
  let nowMs = 0;
  const asked: string[] = [];
  let answer: (hostname: string) => Promise<string[]>;
  const make = (maxEntries = 100) =>
    cacheAddresses(
      (hostname) => {
        asked.push(hostname);
        return answer(hostname);
      },
      { nowMs: () => nowMs, maxEntries },
    );

  beforeEach(() => {
    nowMs = 0;
    asked.length = 0;
    answer = () => Promise.resolve([`8.8.8.${asked.length}`]);
  });

  it('are asked for again after 30 seconds', async () => {
    const resolve = make();
    expect(await resolve('a.test')).toEqual(['8.8.8.1']);
    nowMs = 29_999;
    expect(await resolve('a.test')).toEqual(['8.8.8.1']);
    nowMs = 30_000;
    expect(await resolve('a.test')).toEqual(['8.8.8.2']);
  });

  it('remember a failure for 5 seconds', async () => {
    answer = () => Promise.reject(new Error('no such name'));
    const resolve = make();
    await expect(resolve('a.test')).rejects.toThrow('no such name');
    nowMs = 4_999;
    await expect(resolve('a.test')).rejects.toThrow('no such name');
    expect(asked).toHaveLength(1);
    nowMs = 5_000;
    await expect(resolve('a.test')).rejects.toThrow('no such name');
    expect(asked).toHaveLength(2);
  });

  it('are asked for once by all who ask at the same time, however long the answer takes', async () => {
    let reply: (addresses: string[]) => void = () => undefined;
    answer = () =>
      new Promise((resolve) => {
        reply = resolve;
      });
    const resolve = make();
    const first = resolve('a.test');
    nowMs = 3_600_000;
    const second = resolve('a.test');
    reply(['8.8.8.8']);
    expect(await Promise.all([first, second])).toEqual([['8.8.8.8'], ['8.8.8.8']]);
    expect(asked).toEqual(['a.test']);
  });

  it('are bounded: the oldest answer goes first', async () => {
    const resolve = make(2);
    for (const hostname of ['a.test', 'b.test', 'c.test', 'b.test', 'c.test', 'a.test']) await resolve(hostname);
    expect(asked).toEqual(['a.test', 'b.test', 'c.test', 'a.test']);
  });
});
