import { createHmac } from 'node:crypto';
import type { ErrorDetail } from '#kernel/app-error';
import { evaluateTriggerRule } from './evaluate-trigger-rule';
import { readTriggerRule } from './read-trigger-rule';
import type { RequestValues } from './request-value';

const NOW = new Date('2017-09-08T11:24:32Z');
const BODY = '{"ref":"refs/heads/master"}';

const VALUES: RequestValues = {
  method: 'POST',
  ip: '192.168.0.7',
  body: Buffer.from(BODY),
  isForm: false,
  payload: {
    ref: 'refs/heads/master',
    number: 7,
    flag: true,
    nothing: null,
    'dotted.name': 'dotted',
    commits: [{ id: 'a' }, { id: 'b', author: { name: 'Jeff' } }],
    user: { '-name': 'Sally' },
  },
  headers: { 'x-hub-signature': 'sha1=b17e04cbb22afa8ffbff8796fc1894ed27badd9e', 'x-event': 'push' },
  query: { q: 'go', 'a.b': 'c' },
};

function mac(algorithm: string, content = BODY, secret = 'secret'): string {
  return createHmac(algorithm, secret).update(content).digest('hex');
}

function evaluate(given: unknown, values: Partial<RequestValues> = {}, soft = false) {
  const problems: ErrorDetail[] = [];
  const rule = readTriggerRule(given, 'trigger_rule', problems);
  if (rule === null) throw new Error(problems.map(({ field, message }) => `${field} ${message}`).join('; '));
  return evaluateTriggerRule(rule, { ...VALUES, ...values }, NOW, soft);
}

function isSatisfied(given: unknown, values: Partial<RequestValues> = {}, soft = false): boolean {
  return evaluate(given, values, soft).isSatisfied;
}

function value(source: string, name: string, expected: unknown) {
  return { match: { type: 'value', value: expected, parameter: { source, name } } };
}

const TRUE = value('payload', 'ref', 'refs/heads/master');
const FALSE = value('payload', 'ref', 'other');
const MISSING = value('payload', 'missing', 'x');
const FORGED = {
  match: { type: 'payload-hmac-sha1', secret: 'other', parameter: { source: 'header', name: 'X-Hub-Signature' } },
};

describe('evaluateTriggerRule', () => {
  it.each([
    ['payload', 'ref', 'refs/heads/master'],
    ['payload', 'number', '7'],
    ['payload', 'number', 7],
    ['payload', 'flag', 'true'],
    ['payload', 'flag', true],
    ['payload', 'nothing', '<nil>'],
    ['payload', 'dotted.name', 'dotted'],
    ['payload', 'commits.0.id', 'a'],
    ['payload', 'commits.1.author.name', 'Jeff'],
    ['payload', 'commits.0', '{"id":"a"}'],
    ['payload', 'user.-name', 'Sally'],
    ['payload', 'user.name', 'Sally'],
    ['header', 'X-Event', 'push'],
    ['url', 'q', 'go'],
    ['query', 'a.b', 'c'],
    ['request', 'method', 'POST'],
    ['request', 'Remote-Addr', '192.168.0.7'],
    ['raw-request-body', '', BODY],
    ['string', 'fixed', 'fixed'],
    ['entire-query', '', '{"q":"go","a.b":"c"}'],
  ])('finds in %s %s the value %s', (source, name, expected) => {
    expect(isSatisfied(value(source, name, expected))).toBe(true);
    expect(isSatisfied(value(source, name, `${expected}x`))).toBe(false);
  });

  it.each([
    'missing',
    'commits.2.id',
    'commits.x',
    'commits.-1',
    'ref.x',
    'constructor',
    '__proto__',
    'commits.length',
  ])('finds nothing at %s', (name) => {
    expect(evaluate(value('payload', name, ''))).toMatchObject({ isSatisfied: false, isForged: false });
  });

  it('finds the items of a body that is a list under root, and the first of a repeated form field', () => {
    expect(isSatisfied(value('payload', 'root.1.id', '2'), { payload: [{ id: 1 }, { id: 2 }] })).toBe(true);
    expect(isSatisfied(value('payload', 'a', '1'), { payload: { a: ['1', '2'] }, isForm: true })).toBe(true);
  });

  it.each<[unknown, boolean]>([
    [{ and: [TRUE, TRUE] }, true],
    [{ and: [TRUE, FALSE] }, false],
    [{ or: [FALSE, TRUE] }, true],
    [{ or: [FALSE, FALSE] }, false],
    [{ not: FALSE }, true],
    [{ not: TRUE }, false],
    [{ and: [TRUE, { or: [FALSE, { not: FALSE }] }] }, true],
    // A missing value fails the rule: it is no false that could be turned round. Only `or` passes over it.
    [MISSING, false],
    [{ not: MISSING }, false],
    [{ and: [TRUE, { not: MISSING }] }, false],
    [{ or: [MISSING, TRUE] }, true],
    [{ or: [MISSING, MISSING] }, false],
    [{ not: { or: [MISSING, FALSE] } }, true],
    // What does not need to be looked at is not.
    [{ and: [FALSE, FORGED] }, false],
    [{ or: [TRUE, FORGED] }, true],
    [{ or: [FORGED, TRUE] }, false],
    [{ not: FORGED }, false],
  ])('evaluates %j to %s', (rule, expected) => {
    expect(isSatisfied(rule)).toBe(expected);
  });

  it('passes over wrong signatures in or when soft failures are wanted', () => {
    expect(isSatisfied({ or: [FORGED, TRUE] }, {}, true)).toBe(true);
    expect(isSatisfied({ and: [FORGED, TRUE] }, {}, true)).toBe(false);
    expect(evaluate({ or: [FORGED, FALSE] }, {}, true)).toMatchObject({ isSatisfied: false, isForged: false });
    expect(evaluate({ or: [FORGED, FALSE] }).isForged).toBe(true);
  });

  it.each([
    'payload-hmac-sha1',
    'payload-hmac-sha256',
    'payload-hmac-sha512',
    'payload-hash-sha1',
    'payload-hash-sha256',
    'payload-hash-sha512',
  ])('verifies %s with and without prefix, and one of several', (type) => {
    const algorithm = type
      .slice(-6)
      .replace('-', '')
      .replace('hsha1', 'sha1')
      .replace(/^.*?(sha\d+)$/, '$1');
    const right = mac(algorithm);
    const rule = { match: { type, secret: 'secret', parameter: { source: 'header', name: 'X-Signature' } } };
    const signed = (header: string) => evaluate(rule, { headers: { 'x-signature': header } });
    expect(signed(right).isSatisfied).toBe(true);
    expect(signed(`${algorithm}=${right}`).isSatisfied).toBe(true);
    expect(signed(`${algorithm}=00,${algorithm}=${right}`).isSatisfied).toBe(true);
    expect(signed(`00,${right}`).isSatisfied).toBe(false);
    expect(signed(mac(algorithm, `${BODY} `))).toMatchObject({ isSatisfied: false, isForged: true });
    expect(signed('')).toMatchObject({ isSatisfied: false, isForged: true });
    expect(evaluate(rule, { headers: {} })).toMatchObject({ isSatisfied: false, isForged: true });
  });

  it('signs the headers that the rule names after the body', () => {
    const parameter = {
      source: 'header',
      name: 'X-Signature',
      'headers-to-add-to-signature-payload': ['Date', 'X-Not'],
    };
    const rule = { match: { type: 'payload-hmac-sha256', secret: 'secret', parameter } };
    const headers = { 'x-signature': mac('sha256', `${BODY}today`), date: 'today' };
    expect(isSatisfied(rule, { headers })).toBe(true);
    expect(isSatisfied(rule, { headers: { ...headers, date: 'tomorrow' } })).toBe(false);
  });

  it.each([
    ['192.168.0.7', '192.168.0.1/24', true],
    ['192.168.1.7', '192.168.0.1/24', false],
    ['192.168.0.7', '192.168.0.7', true],
    ['192.168.0.8', '192.168.0.7', false],
    ['::ffff:192.168.0.7', '192.168.0.7/32', true],
    ['10.1.2.3', '192.168.0.0/16 10.0.0.0/8', true],
    ['2001:db8::1', '2001:db8::1', true],
    // adnanh/webhook takes a single IPv6 address for a range of 2^96.
    ['2001:db8::2', '2001:db8::1', false],
    ['2001:db8:1::2', '2001:db8::/32', true],
    ['2001:db9::1', '2001:db8::/32', false],
    ['not an address', '0.0.0.0/0', false],
    ['', '0.0.0.0/0 ::/0', false],
  ])('says whether %s is in %s', (ip, range, expected) => {
    expect(isSatisfied({ match: { type: 'ip-whitelist', 'ip-range': range } }, { ip })).toBe(expected);
  });

  it("verifies Scalr's signature and its time", () => {
    const rule = { match: { type: 'scalr-signature', secret: 'secret' } };
    const date = 'Fri 08 Sep 2017 11:24:32 UTC';
    const headers = { 'x-signature': mac('sha1', BODY + date), date };
    expect(isSatisfied(rule, { headers })).toBe(true);
    expect(evaluate(rule, { headers: { ...headers, date: 'x' } })).toMatchObject({ isForged: true });
    expect(evaluate(rule, { headers: { date } })).toMatchObject({ isForged: true });
    const old = 'Fri 08 Sep 2017 11:19:31 UTC';
    expect(isSatisfied(rule, { headers: { 'x-signature': mac('sha1', BODY + old), date: old } })).toBe(false);
  });

  it("matches regular expressions of Go's syntax", () => {
    const matches = (regex: string, text: string) =>
      isSatisfied({ match: { type: 'regex', regex, parameter: { source: 'string', name: text } } });
    expect(matches('^refs/heads/(master|release-.*)$', 'refs/heads/release-1')).toBe(true);
    expect(matches('(?i)^PUSH$', 'push')).toBe(true);
    expect(matches('\\Aa[[:digit:]]+\\z', 'a12')).toBe(true);
    expect(matches('^a$', 'b')).toBe(false);
  });

  it('takes time linear in the text for any expression', () => {
    const beganAt = performance.now();
    for (const regex of ['^(a+)+$', '^(a|a)*$', '^(.*a){20}$']) {
      isSatisfied(
        { match: { type: 'regex', regex, parameter: { source: 'raw-request-body' } } },
        { body: Buffer.from(`${'a'.repeat(50_000)}!`) },
      );
    }
    expect(performance.now() - beganAt).toBeLessThan(5_000);
  });
});
