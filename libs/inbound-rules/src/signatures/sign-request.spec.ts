import { compileEndpointRules } from '../compile-endpoint-rules';
import type { InboundRequest } from '../inbound-request';
import { replayKey } from './replay-key';
import { signRequest } from './sign-request';
import { SIGNATURE_SCHEMES, type SignatureSettings } from './signature-settings';
import { verifySignature } from './verify-signature';

const NOW = new Date('2026-01-02T03:04:05.678Z');
const SECRET = 'a-secret-of-the-tests';
const BODY = Buffer.from('{"action":"BUY"}');
const SHA256 = /^[0-9A-Za-z+/]{43}=$/;

const SETTINGS: SignatureSettings[] = [
  ...SIGNATURE_SCHEMES.filter((scheme) => scheme !== 'hmac').map((scheme) => ({ scheme })),
  { scheme: 'hmac', header: 'x-sig' },
  {
    scheme: 'hmac',
    header: 'x-sig',
    algorithm: 'sha512',
    encoding: 'base64',
    prefix: 'v2=',
    timestamp_header: 'x-at',
    signed_content: '{timestamp}.{body}',
  },
];

function requestOf(settings: SignatureSettings, body: Buffer, more: Record<string, string> = {}): InboundRequest {
  const headers = { ...signRequest(settings, SECRET, body, NOW, 'msg_1'), ...more };
  return { method: 'POST', headers, query: {}, body, ip: '192.0.2.1', receivedAt: NOW };
}

describe.each(SETTINGS.map((settings): [string, SignatureSettings] => [JSON.stringify(settings), settings]))(
  'a request signed for a test by %s',
  (_name, settings) => {
    it('is verified', () => {
      expect(verifySignature(settings, [SECRET], requestOf(settings, BODY), NOW)).toMatchObject({ passed: true });
    });

    it('is not once its body is another', () => {
      const request = { ...requestOf(settings, BODY), body: Buffer.from('{"action":"SELL"}') };
      const passes = ['none', 'gitlab'].includes(settings.scheme);
      expect(verifySignature(settings, [SECRET], request, NOW).passed).toBe(passes);
    });
  },
);

describe('replayKey', () => {
  const rulesOf = (settings: SignatureSettings, dedupe?: null) => {
    const compiled = compileEndpointRules({ signature: settings, dedupe }, [SECRET], 1_000);
    if ('problems' in compiled) throw new Error(JSON.stringify(compiled.problems));
    return compiled.rules;
  };

  it.each(['simple', 'trae', 'standard-webhooks', 'github', 'stripe', 'slack', 'shopify'] as const)(
    'of %s is the same whatever unsigned headers say, and another for another body',
    (scheme) => {
      const rules = rulesOf({ scheme });
      const key = replayKey(rules, requestOf({ scheme }, BODY));
      expect(key).toMatch(SHA256);
      expect(replayKey(rules, requestOf({ scheme }, BODY, { 'x-github-delivery': 'x', 'x-trae-delivery': 'y' }))).toBe(
        key,
      );
      expect(replayKey(rules, requestOf({ scheme }, Buffer.from('{}')))).not.toBe(key);
    },
  );

  it.each(['webhook', 'gitlab', 'none'] as const)('is none for %s, whose requests may be the same twice', (scheme) => {
    expect(replayKey(rulesOf({ scheme }), requestOf({ scheme }, BODY))).toBeNull();
  });

  it('is none for an endpoint that wants repetitions', () => {
    expect(replayKey(rulesOf({ scheme: 'github' }, null), requestOf({ scheme: 'github' }, BODY))).toBeNull();
  });

  it('of hmac takes a time that is signed', () => {
    const header = 'x-sig';
    expect(replayKey(rulesOf({ scheme: 'hmac', header }), requestOf({ scheme: 'hmac', header }, BODY))).toBeNull();
    const timed = { scheme: 'hmac', header, timestamp_header: 'x-at', signed_content: '{timestamp}.{body}' } as const;
    expect(replayKey(rulesOf(timed), requestOf(timed, BODY))).toMatch(SHA256);
  });
});
