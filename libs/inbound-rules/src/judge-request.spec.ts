import { createHmac } from 'node:crypto';
import { readSchema } from '#event-schemas/read-schema';
import { AddressList } from './address-list';
import type { EndpointRules } from './endpoint-rules';
import type { InboundRequest } from './inbound-request';
import { judgeRequest } from './judge-request';

const SECRET = 'a secret of the endpoint';
const NOW = new Date('2026-03-01T12:00:00Z');

const RULES: EndpointRules = {
  methods: ['POST'],
  allowedIps: null,
  signature: { scheme: 'webhook' },
  secrets: [SECRET],
  contentType: null,
  bodyKinds: null,
  schema: null,
  jsonParameters: [],
  triggerRule: null,
  triggerMismatchStatus: null,
  triggerSignatureSoftFailures: false,
  dedupe: { header: 'x-delivery' },
  maxBodyBytes: 1_000,
};

function signed(body: string, secret = SECRET): string {
  return `sha256=${createHmac('sha256', secret).update(body).digest('hex')}`;
}

function post(body: string, headers: Record<string, string> = {}): InboundRequest {
  return {
    method: 'POST',
    headers: { 'content-type': 'application/json', 'x-webhook-signature': signed(body), ...headers },
    query: {},
    body: Buffer.from(body),
    ip: '203.0.113.7',
    receivedAt: NOW,
  };
}

function judge(request: InboundRequest, rules: Partial<EndpointRules> = {}) {
  return judgeRequest({ ...RULES, ...rules }, request, NOW);
}

describe('judgeRequest', () => {
  it('accepts a signed request with its payload and what it is known by again', () => {
    expect(judge(post('{"symbol":"BTC"}', { 'x-delivery': 'd1' }))).toMatchObject({
      outcome: 'accepted',
      status: 200,
      payload: { symbol: 'BTC' },
      dedupeKey: 'd1',
      steps: [
        { step: 'method', passed: true },
        { step: 'body_size', passed: true },
        { step: 'signature', passed: true },
        { step: 'body', passed: true },
      ],
    });
  });

  const schemaOf = (given: unknown) => {
    const read = readSchema(given);
    if ('problem' in read) throw new Error(read.problem.message);
    return read.check;
  };
  const big = JSON.stringify('x'.repeat(1_000));
  const deep = '['.repeat(101) + ']'.repeat(101);
  it.each<[string, InboundRequest, Partial<EndpointRules>, number, string]>([
    ['another method', { ...post('{}'), method: 'PUT' }, {}, 405, 'method_not_allowed'],
    [
      'another address',
      post('{}'),
      { allowedIps: new AddressList(['203.0.113.8', '10.0.0.0/8']) },
      403,
      'address_not_allowed',
    ],
    ['a body that is too large', post(big), {}, 413, 'payload_too_large'],
    ['a tampered body', { ...post('{"a":1}'), body: Buffer.from('{"a":2}') }, {}, 401, 'invalid_signature'],
    ['no signature', { ...post('{}'), headers: { 'content-type': 'application/json' } }, {}, 401, 'invalid_signature'],
    ['an endpoint without secret', post('{}'), { secrets: [] }, 401, 'invalid_signature'],
    [
      'an empty secret',
      post('{}', { 'x-webhook-signature': signed('{}', '') }),
      { secrets: [''] },
      401,
      'invalid_signature',
    ],
    ['JSON that is none', post('{'), {}, 400, 'malformed_body'],
    ['a form that is said to be JSON', post('a=1'), {}, 400, 'malformed_body'],
    ['an image', post('{}', { 'content-type': 'image/png' }), {}, 415, 'unsupported_media_type'],
    ['a kind of body the endpoint does not take', post('{}'), { bodyKinds: ['xml'] }, 415, 'unsupported_media_type'],
    ['a body nested too deep', post(deep), {}, 422, 'body_too_deep'],
    ['another schema', post('{"a":"x"}'), { schema: schemaOf({ required: ['price'] }) }, 422, 'schema_mismatch'],
  ])('rejects %s', (_, request, rules, status, code) => {
    const verdict = judge(request, rules);
    expect(verdict).toMatchObject({ outcome: 'rejected', status, code });
    expect(verdict.steps.at(-1)?.passed).toBe(false);
    expect(verdict.message).not.toMatch(/secret|schema\.|price|sha256/);
  });

  it('tells which methods are allowed', () => {
    const verdict = judge({ ...post('{}'), method: 'GET' }, { methods: ['POST', 'PUT'] });
    expect(verdict.reply?.headers).toEqual({ allow: 'POST, PUT' });
  });

  it('checks the signature before it looks into the body', () => {
    const verdict = judge(post('{', { 'x-webhook-signature': signed('{}') }));
    expect(verdict.code).toBe('invalid_signature');
  });

  it('ignores what the trigger rule does not want, with the status that the endpoint has for it', () => {
    const triggerRule = {
      match: { type: 'value', value: 'refs/heads/main', parameter: { source: 'payload', name: 'ref' } },
    } as const;
    expect(judge(post('{"ref":"refs/heads/main"}'), { triggerRule }).outcome).toBe('accepted');
    expect(judge(post('{"ref":"refs/heads/x"}'), { triggerRule })).toMatchObject({ outcome: 'ignored', status: 200 });
    expect(judge(post('{}'), { triggerRule, triggerMismatchStatus: 418 })).toMatchObject({
      outcome: 'ignored',
      status: 418,
    });
  });

  it('rejects with 401 when the trigger rule misses a signature', () => {
    const triggerRule = {
      match: {
        type: 'hmac',
        algorithm: 'sha256',
        secret: 'other',
        signedHeaders: [],
        parameter: { source: 'header', name: 'X-Signature' },
      },
    } as const;
    const rules = { triggerRule, signature: { scheme: 'none' } } as const;
    expect(judge(post('{}'), rules)).toMatchObject({ outcome: 'rejected', status: 401 });
    expect(judge(post('{}', { 'x-signature': signed('{}', 'wrong') }), rules)).toMatchObject({ status: 401 });
    expect(judge(post('{}', { 'x-signature': signed('{}', 'other') }), rules).outcome).toBe('accepted');
  });

  it("answers Slack's url_verification and GitHub's ping and acts on neither", () => {
    const body = '{"type":"url_verification","challenge":"3eZbrw1aBm2rZgRNFdxV2595E9CY3gmdALWMmHkvFXO7tYXAYM8P"}';
    const timestamp = String(NOW.getTime() / 1000);
    const mac = createHmac('sha256', SECRET).update(`v0:${timestamp}:${body}`).digest('hex');
    const headers = { 'x-slack-signature': `v0=${mac}`, 'x-slack-request-timestamp': timestamp };
    expect(judge(post(body, headers), { signature: { scheme: 'slack' } })).toMatchObject({
      outcome: 'challenge',
      reply: { status: 200, body: '3eZbrw1aBm2rZgRNFdxV2595E9CY3gmdALWMmHkvFXO7tYXAYM8P' },
    });
    expect(judge(post(body), { signature: { scheme: 'slack' } }).status).toBe(401);
    const ping = post('{"zen":"x"}', { 'x-github-event': 'ping', 'x-hub-signature-256': signed('{"zen":"x"}') });
    expect(judge(ping, { signature: { scheme: 'github' } }).outcome).toBe('challenge');
  });
});
