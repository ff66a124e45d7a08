import {
  compileSubscriptions,
  isValidEventPattern,
  isValidEventType,
  matchesPattern,
  type Subscription,
} from './event-matching';

const webhook = (id: string, patterns: string[], projectId: string | null = null): Subscription => ({
  id,
  patterns,
  projectId,
});

describe('an event type', () => {
  it.each(['build', 'build.completed', 'a.b.c.d', 'my_app.user-2.Signed-Up', 'x'.repeat(128)])('can be %j', (name) => {
    expect(isValidEventType(name)).toBe(true);
    expect(isValidEventPattern(name)).toBe(true);
  });

  it.each(['', '.', 'a.', '.a', 'a..b', 'a b', 'a/b', 'größe', 'a\n', 'a.b\u0000', 'x'.repeat(129)])(
    'cannot be %j',
    (name) => {
      expect(isValidEventType(name)).toBe(false);
      expect(isValidEventPattern(name)).toBe(false);
    },
  );
});

describe('a pattern', () => {
  it.each(['*', 'build.*', 'a.b.*'])('can be %j, which is no event type', (pattern) => {
    expect(isValidEventPattern(pattern)).toBe(true);
    expect(isValidEventType(pattern)).toBe(false);
  });

  it.each(['**', '.*', '*.*', 'build*', 'build.*.x', '*.completed', 'build.**', 'build..*'])(
    'cannot be %j',
    (pattern) => {
      expect(isValidEventPattern(pattern)).toBe(false);
    },
  );
});

describe.each([
  ['build.completed', 'build.completed', true],
  ['build.completed', 'build.completed.late', false],
  ['build.completed', 'Build.completed', false],
  ['build.*', 'build.completed', true],
  ['build.*', 'build.completed.late', true],
  ['build.*', 'build', false],
  ['build.*', 'builder.started', false],
  ['build.step.*', 'build.step.done', true],
  ['build.step.*', 'build.completed', false],
  ['*', 'anything', true],
])('the pattern %s and the event %s', (pattern, eventType, expected) => {
  it(expected ? 'match' : 'do not match', () => {
    expect(matchesPattern(pattern, eventType)).toBe(expected);
    expect(compileSubscriptions([webhook('w', [pattern])]).match(eventType, null)).toEqual(expected ? ['w'] : []);
  });
});

describe('compiled subscriptions', () => {
  it('name a webhook once however many of its patterns match', () => {
    const patterns = ['build.*', 'build.completed', 'build.step.*', 'build.step.done', 'build.completed'];
    expect(compileSubscriptions([webhook('w', patterns)]).match('build.step.done', null)).toEqual(['w']);
    expect(compileSubscriptions([webhook('w', patterns)]).match('build.completed', null)).toEqual(['w']);
    expect(compileSubscriptions([webhook('w', [...patterns, '*'])]).match('build.completed', null)).toEqual(['w']);
  });

  it('give a webhook without project the events of every project', () => {
    const index = compileSubscriptions([webhook('w', ['*'])]);
    expect(index.match('build.failed', 'proj_1')).toEqual(['w']);
    expect(index.match('build.failed', null)).toEqual(['w']);
  });

  it('give a webhook with a project only the events of that project', () => {
    const index = compileSubscriptions([webhook('w', ['*'], 'proj_1')]);
    expect(index.match('build.failed', 'proj_1')).toEqual(['w']);
    expect(index.match('build.failed', 'proj_2')).toEqual([]);
    expect(index.match('build.failed', null)).toEqual([]);
  });

  it('match nothing without webhooks or patterns', () => {
    expect(compileSubscriptions([]).match('build.failed', null)).toEqual([]);
    expect(compileSubscriptions([webhook('w', [])]).match('build.failed', null)).toEqual([]);
  });

  it('are not confused by names that every object has', () => {
    const index = compileSubscriptions([webhook('w', ['build.*'])]);
    expect(index.match('constructor.prototype', '__proto__')).toEqual([]);
  });

  it('agree with matching every webhook one by one', () => {
    const types = ['a', 'a.b', 'a.b.c', 'a.c', 'b', 'b.a', 'ab.c'];
    const patterns = [...types, '*', 'a.*', 'a.b.*', 'b.*'];
    const projects = [null, 'p', 'q'];
    let state = 42;
    const next = (below: number): number => (state = (state * 1_103_515_245 + 12_345) % 2 ** 31) % below;
    const webhooks = Array.from({ length: 300 }, (_, index) =>
      webhook(
        `w${index}`,
        patterns.filter(() => next(5) === 0),
        projects[next(3)] ?? null,
      ),
    );
    const index = compileSubscriptions(webhooks);
    for (const type of types) {
      for (const project of projects) {
        const expected = webhooks
          .filter((w) => w.projectId === null || w.projectId === project)
          .filter((w) => w.patterns.some((pattern) => matchesPattern(pattern, type)))
          .map((w) => w.id);
        expect(index.match(type, project).sort()).toEqual(expected.sort());
        expect(expected.length).toBeGreaterThan(0);
      }
    }
  });

  it('look only at what matches: 200,000 other webhooks do not slow a lookup', () => {
    const others = Array.from({ length: 200_000 }, (_, index) =>
      webhook(`w${index}`, [`other${index}.*`], `p${index}`),
    );
    const index = compileSubscriptions([...others, webhook('mine', ['build.*'])]);
    const startedAt = performance.now();
    for (let round = 0; round < 1000; round += 1) index.match('build.failed', 'p1');
    // A scan would take some seconds.
    expect(performance.now() - startedAt).toBeLessThan(500);
    expect(index.match('build.failed', 'p1')).toEqual(['mine']);
  });

  it('gives operational events only to those who name them', () => {
    const index = compileSubscriptions([
      { id: 'all', patterns: ['*'], projectId: null },
      { id: 'named', patterns: ['*', 'webhook.failing'], projectId: null },
      { id: 'prefix', patterns: ['webhook.*'], projectId: null },
    ]);
    expect(index.match('webhook.failing', null).sort()).toEqual(['named', 'prefix']);
    expect(index.match('delivery.exhausted', null)).toEqual([]);
    expect(index.match('build.failed', null).sort()).toEqual(['all', 'named']);
  });
});
