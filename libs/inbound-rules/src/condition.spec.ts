import type { ErrorDetail } from '#kernel/app-error';
import { compileCondition } from './condition';
import type { RequestContext } from './request-context';

const CONTEXT: RequestContext = {
  payload: {
    confidence: 0.9,
    count: 5,
    action: 'BUY',
    ref: 'refs/heads/main',
    items: [
      { name: 'a', price: 3 },
      { name: 'b', price: 12.5 },
    ],
    tags: ['x', 'y'],
    nested: { flag: true },
  },
  headers: { 'x-github-event': 'push' },
  query: { source: 'tv' },
  metadata: { id: 'req_1', endpoint: 'signals', method: 'POST', ip: '203.0.113.7', timestamp: '2026-03-01T12:00:00Z' },
};

function compiled(expression: string) {
  const problems: ErrorDetail[] = [];
  const condition = compileCondition(expression, 'condition', problems);
  if (condition === null) throw new Error(problems.map(({ field, message }) => `${field} ${message}`).join('; '));
  return condition;
}

function problemOf(expression: unknown): string | undefined {
  const problems: ErrorDetail[] = [];
  expect(compileCondition(expression, 'condition', problems)).toBeNull();
  expect(problems[0]?.field).toBe('condition');
  return problems[0]?.message;
}

describe('compileCondition', () => {
  it.each([
    ['payload.confidence > 0.8', true],
    ['payload.confidence > 1', false],
    ['payload.count == 5 && payload.count + 1 > 5 && payload.count % 2 == 1', true],
    ['payload.count * 2 == 10', true],
    ['payload.action in ["BUY", "SELL"]', true],
    ['payload["action"] == "BUY"', true],
    ['payload.items[1].price > 10', true],
    ['payload.items.exists(item, item.price > 10 && item.name == "b")', true],
    ['payload.items.all(item, item.price > 10)', false],
    ['size(payload.tags) == 2 && "x" in payload.tags', true],
    ['payload.ref.startsWith("refs/heads/") && payload.ref.matches("^refs/heads/(main|dev)$")', true],
    ['("a" + "b").matches("^ab$") && payload.tags.exists(t, t . matches ( "y" ))', true],
    ['headers["x-github-event"] == "push" && query.source == "tv"', true],
    ['metadata.ip.startsWith("203.0.113.") && metadata.method == "POST"', true],
    ['timestamp(metadata.timestamp) < timestamp("2027-01-01T00:00:00Z")', true],
    ['!has(payload.missing) && has(payload.nested.flag) && payload.nested.flag', true],
    ['payload.nested.flag', true],
    ['has(payload.missing) ? payload.missing > 1 : true', true],
  ])('evaluates %s to %s', (expression, expected) => {
    expect(compiled(expression)(CONTEXT)).toEqual({ isTrue: expected, reason: null });
  });

  it.each([
    ['payload.missing > 1', /missing/],
    ['payload.items[7].price > 1', /7/],
    ['payload.action > 3', /overload/],
    ['payload.constructor == 1', /constructor/],
    ['payload.__proto__ == 1', /__proto__/],
    ['headers.cookie == "x"', /cookie/],
    ['payload.action', /neither true nor false/],
  ])('takes %s for false, with the reason', (expression, reason) => {
    expect(compiled(expression)(CONTEXT)).toEqual({ isTrue: false, reason: expect.stringMatching(reason) as string });
  });

  it.each<[unknown, RegExp]>([
    ['payload.x >', /not a valid expression: Unexpected token/],
    ['secret == 1', /Unknown variable: secret/],
    ['"a"', /must be true or false/],
    ['', /1 to 2048 characters/],
    [7, /1 to 2048 characters/],
    ['a'.repeat(2_049), /1 to 2048 characters/],
    [`${'('.repeat(40)}true${')'.repeat(40)}`, /not a valid expression/],
    ['payload.x.matches("(")', /pattern that is not a regular expression/],
    ['payload.x.matches("(?=a)b")', /pattern that is not a regular expression/],
    ['payload.x.matches(payload.y)', /pattern in quotes/],
    ['payload.x // .matches(\n.matches(// matches\n"a")', /comments/],
    ['cel.bind(x, payload.a, x == x)', /must not call bind/],
    ['payload.a.map(x, payload.s).join() == ""', /must not call join/],
    ['payload.a.all(x, payload.a.all(y, payload.a.all(z, x < z)))', /more than 2 deep/],
  ])('refuses %j', (expression, message) => {
    expect(problemOf(expression)).toMatch(message);
  });

  it('takes no longer than the payload allows, whatever pattern or loop it has', () => {
    const bomb = compiled('payload.text.matches("^(a+)+$")');
    const big = {
      ...CONTEXT,
      payload: { text: `${'a'.repeat(100_000)}!`, list: Array.from({ length: 20_000 }, () => 1) },
    };
    const beganAt = performance.now();
    expect(bomb(big).isTrue).toBe(false);
    expect(compiled('payload.list.all(x, payload.list.all(y, x <= y))')(big)).toEqual({
      isTrue: false,
      reason: expect.stringContaining('too large') as string,
    });
    expect(compiled('payload.list.all(x, x < 2)')(big).isTrue).toBe(true);
    // Backtracking, or 400,000,000 comparisons, would take minutes.
    expect(performance.now() - beganAt).toBeLessThan(5_000);
  });
});
