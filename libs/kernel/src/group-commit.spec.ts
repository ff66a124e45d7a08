import { GroupCommit, type GroupCommitOptions } from './group-commit';

function setUp(
  options: Partial<GroupCommitOptions<string>> = {},
  isRetryable: (error: unknown) => boolean = () => false,
) {
  const groups: string[][] = [];
  const waiting: { resolve: () => void; reject: (error: Error) => void }[] = [];
  const commits = new GroupCommit<string, string>(
    (items) => {
      groups.push(items);
      return new Promise((resolve, reject) => {
        waiting.push({
          resolve: () => {
            resolve(items.map((item) => item.toUpperCase()));
          },
          reject,
        });
      });
    },
    isRetryable,
    { maxItems: 10, maxBytes: 100, maxConcurrent: 1, maxWaiting: 100, bytesOf: (item) => item.length, ...options },
  );
  const settle = async (
    how: (commit: { resolve: () => void; reject: (error: Error) => void }) => void,
  ): Promise<void> => {
    const commit = waiting.shift();
    if (commit === undefined) throw new Error('no commit is under way');
    how(commit);
    await new Promise(setImmediate);
  };
  return { commits, groups, settle };
}

const succeed = (commit: { resolve: () => void }): void => {
  commit.resolve();
};
const fail = (commit: { reject: (error: Error) => void }): void => {
  commit.reject(new Error('refused'));
};

/** So that a commit takes this long. */
async function untilPassed(ms: number): Promise<void> {
  const startedAt = performance.now();
  while (performance.now() - startedAt < ms) await new Promise(setImmediate);
}

describe('GroupCommit', () => {
  it('commits what one caller adds in one go together, in order', async () => {
    const { commits, groups, settle } = setUp();
    const results = Promise.all(['a', 'b', 'c'].map((item) => commits.add(item)));
    await new Promise(setImmediate);
    await settle(succeed);
    expect(await results).toEqual(['A', 'B', 'C']);
    expect(groups).toEqual([['a', 'b', 'c']]);
  });

  it('gathers whoever comes while a commit is under way into the next', async () => {
    const { commits, groups, settle } = setUp();
    const first = commits.add('a');
    await new Promise(setImmediate);
    const others = ['b', 'c', 'd'].map((item) => commits.add(item));
    await new Promise(setImmediate);
    expect(groups).toEqual([['a']]);
    await settle(succeed);
    expect(await first).toBe('A');
    await settle(succeed);
    expect(await Promise.all(others)).toEqual(['B', 'C', 'D']);
    expect(groups).toEqual([['a'], ['b', 'c', 'd']]);
  });

  it('cuts groups by number and by bytes, but never refuses a large one for its size', async () => {
    const { commits, groups, settle } = setUp({ maxItems: 2, maxBytes: 5 });
    const results = Promise.all(['a', 'b', 'cccc', 'dddd', 'eeeeeeeeee'].map((item) => commits.add(item)));
    await new Promise(setImmediate);
    for (let round = 0; round < 4; round += 1) await settle(succeed);
    await results;
    expect(groups).toEqual([['a', 'b'], ['cccc'], ['dddd'], ['eeeeeeeeee']]);
  });

  it('fails only the item that is refused for itself', async () => {
    const { commits, settle } = setUp();
    const results = Promise.allSettled(['good', 'bad', 'fine'].map((item) => commits.add(item)));
    await new Promise(setImmediate);
    await settle(fail);
    await settle(succeed);
    await settle(fail);
    await settle(succeed);
    expect((await results).map((result) => result.status)).toEqual(['fulfilled', 'rejected', 'fulfilled']);
  });

  it('does not try a group again whose failure would repeat itself', async () => {
    const { commits, groups, settle } = setUp({}, () => true);
    const results = Promise.allSettled(['a', 'b'].map((item) => commits.add(item)));
    await new Promise(setImmediate);
    await settle(fail);
    expect((await results).map((result) => result.status)).toEqual(['rejected', 'rejected']);
    expect(groups).toHaveLength(1);
  });

  it('refuses new items with 503 rather than piling them up', async () => {
    const { commits, settle } = setUp({ maxWaiting: 2 });
    const held = Promise.all([commits.add('a'), commits.add('b')]);
    await expect(commits.add('c')).rejects.toMatchObject({ status: 503, retryAfterSeconds: 1 });
    await new Promise(setImmediate);
    await settle(succeed);
    await held;
    const again = commits.add('d');
    await new Promise(setImmediate);
    await settle(succeed);
    expect(await again).toBe('D');
  });

  it('lets commits that callers share begin at a distance by what one takes, and keeps nobody waiting who is alone', async () => {
    const { commits, groups, settle } = setUp({ spacing: { perDuration: 2, maxMs: 3_600_000 }, maxConcurrent: 2 });
    for (const item of ['a', 'b']) {
      const alone = commits.add(item);
      await untilPassed(50);
      await settle(succeed);
      expect(await alone).toBe(item.toUpperCase());
    }
    const shared = Promise.all(['c', 'd'].map((item) => commits.add(item)));
    await new Promise(setImmediate);
    const beganAt = performance.now();
    const next = commits.add('e');
    await new Promise(setImmediate);
    expect(groups).toEqual([['a'], ['b'], ['c', 'd']]);
    await settle(succeed);
    await shared;
    while (groups.length < 4) await new Promise(setImmediate);
    expect(performance.now() - beganAt).toBeGreaterThan(20);
    await settle(succeed);
    expect(await next).toBe('E');
  });

  it('never waits longer for others than it may', async () => {
    const { commits, groups, settle } = setUp({ spacing: { perDuration: 2, maxMs: 1 }, maxConcurrent: 2 });
    const slow = commits.add('a');
    await untilPassed(500);
    await settle(succeed);
    await slow;
    const shared = Promise.all(['b', 'c'].map((item) => commits.add(item)));
    await new Promise(setImmediate);
    const beganAt = performance.now();
    const next = commits.add('d');
    while (groups.length < 3) await new Promise(setImmediate);
    expect(performance.now() - beganAt).toBeLessThan(150);
    await settle(succeed);
    await settle(succeed);
    expect(await Promise.all([shared, next])).toEqual([['B', 'C'], 'D']);
  });

  it('begins at once with what is large enough not to wait for more', async () => {
    const { commits, groups, settle } = setUp({ spacing: { perDuration: 2, maxMs: 3_600_000 }, maxConcurrent: 2 });
    const slow = commits.add('slow');
    await untilPassed(500);
    await settle(succeed);
    await slow;
    groups.length = 0;
    const results = Promise.all(['a', 'b'].map((item) => commits.add(item)));
    await new Promise(setImmediate);
    const third = commits.add('c');
    await new Promise(setImmediate);
    expect(groups).toHaveLength(1);
    const fourth = commits.add('d');
    await new Promise(setImmediate);
    expect(groups).toEqual([
      ['a', 'b'],
      ['c', 'd'],
    ]);
    await settle(succeed);
    await settle(succeed);
    expect(await Promise.all([results, third, fourth])).toEqual([['A', 'B'], 'C', 'D']);
  });
});
