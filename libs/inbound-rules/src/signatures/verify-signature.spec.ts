import { createHmac } from 'node:crypto';
import fc from 'fast-check';
import { Webhook } from 'standardwebhooks';
import type { InboundRequest } from '../inbound-request';
import { verifySignature } from './verify-signature';
import { SIGNATURE_SCHEMES, type SignatureSettings } from './signature-settings';

const NOW = new Date('2026-03-01T12:00:00.400Z');
const SECONDS = Math.floor(NOW.getTime() / 1000);
const SECRET = 'your-webhook-secret';
const BODY = '{"action": "BUY", "symbol": "TRUMP-YES", "size": 100}';

function request(body: string, headers: Record<string, string | string[]>): InboundRequest {
  return { method: 'POST', headers, query: {}, body: Buffer.from(body), ip: '203.0.113.7', receivedAt: NOW };
}

function mac(content: string, algorithm = 'sha256', encoding: 'hex' | 'base64' = 'hex', secret = SECRET): string {
  return createHmac(algorithm, secret).update(content).digest(encoding);
}

function verify(settings: SignatureSettings, body: string, headers: Record<string, string | string[]>, now = NOW) {
  return verifySignature(settings, [SECRET], request(body, headers), now);
}

/** A right request of every scheme at a time, in Unix seconds. */
const SIGNED: Record<string, (seconds: number) => [SignatureSettings, Record<string, string>]> = {
  webhook: () => [{ scheme: 'webhook' }, { 'x-webhook-signature': `sha256=${mac(BODY)}` }],
  simple: (seconds) => [
    { scheme: 'simple' },
    { 'x-webhook-signature': mac(BODY), 'x-webhook-timestamp': String(seconds * 1_000 + 400) },
  ],
  trae: (seconds) => [
    { scheme: 'trae' },
    { 'x-trae-signature-256': `sha256=${mac(BODY)}`, 'x-trae-timestamp': String(seconds) },
  ],
  'standard-webhooks': (seconds) => [
    { scheme: 'standard-webhooks' },
    {
      'webhook-id': 'msg_1',
      'webhook-timestamp': String(seconds),
      'webhook-signature': `v1,${mac(`msg_1.${seconds}.${BODY}`, 'sha256', 'base64')}`,
    },
  ],
  github: () => [{ scheme: 'github' }, { 'x-hub-signature-256': `sha256=${mac(BODY)}` }],
  stripe: (seconds) => [
    { scheme: 'stripe' },
    { 'stripe-signature': `t=${seconds},v0=6ffbb59b2300aae63f272406069a9788,v1=${mac(`${seconds}.${BODY}`)}` },
  ],
  slack: (seconds) => [
    { scheme: 'slack' },
    {
      'x-slack-signature': `v0=${mac(`v0:${seconds}:${BODY}`)}`,
      'x-slack-request-timestamp': String(seconds),
    },
  ],
  shopify: () => [{ scheme: 'shopify' }, { 'x-shopify-hmac-sha256': mac(BODY, 'sha256', 'base64') }],
  gitlab: () => [{ scheme: 'gitlab' }, { 'x-gitlab-token': SECRET }],
  hmac: (seconds) => [
    {
      scheme: 'hmac',
      header: 'x-zm-signature',
      prefix: 'v0=',
      timestamp_header: 'x-zm-request-timestamp',
      signed_content: 'v0:{timestamp}:{header:x-topic}:{body}',
      algorithm: 'sha512',
      encoding: 'base64',
    },
    {
      'x-zm-signature': `v0=${mac(`v0:${seconds}:meeting.ended:${BODY}`, 'sha512', 'base64')}`,
      'x-zm-request-timestamp': String(seconds),
      'x-topic': 'meeting.ended',
    },
  ],
};

const WITH_TIME = ['simple', 'trae', 'standard-webhooks', 'stripe', 'slack', 'hmac'];
const names = Object.keys(SIGNED);

function signedBy(name: string, seconds = SECONDS): [SignatureSettings, Record<string, string>] {
  return SIGNED[name]!(seconds);
}

describe('verifySignature', () => {
  it('is tried with every scheme that there is', () => {
    expect([...names, 'none'].sort()).toEqual([...SIGNATURE_SCHEMES].sort());
  });

  describe.each(names)('%s', (name) => {
    it('takes what is signed by the secret', () => {
      const [settings, headers] = signedBy(name);
      const detail = name === 'gitlab' ? 'x-gitlab-token is the secret' : 'Signed by the newest secret';
      expect(verify(settings, BODY, headers)).toEqual({ passed: true, detail });
    });

    it('takes what is signed by an older secret that is still valid, and nothing else', () => {
      const [settings, headers] = signedBy(name);
      expect(verifySignature(settings, ['new', SECRET], request(BODY, headers), NOW).passed).toBe(true);
      expect(verifySignature(settings, ['new', 'newer'], request(BODY, headers), NOW).passed).toBe(false);
      expect(verifySignature(settings, [], request(BODY, headers), NOW).passed).toBe(false);
      expect(verifySignature(settings, [''], request(BODY, headers), NOW).passed).toBe(false);
    });

    it('refuses another body, unless the scheme sends the secret itself', () => {
      const [settings, headers] = signedBy(name);
      expect(verify(settings, `${BODY} `, headers).passed).toBe(name === 'gitlab');
    });

    it('refuses when a header is missing or wrong, and never throws', () => {
      const [settings, headers] = signedBy(name);
      for (const header of Object.keys(headers)) {
        // An unsigned time that is not there tells nothing.
        const isOptional = header === 'x-trae-timestamp';
        const { [header]: value = '', ...rest } = headers;
        expect(verify(settings, BODY, rest).passed).toBe(isOptional);
        for (const wrong of ['', ' ', ',', '=', 'x', `${value}0`, value.slice(0, -2), 'ä'.repeat(64), value.slice(1)]) {
          expect(verify(settings, BODY, { ...rest, [header]: wrong }).passed).toBe(false);
        }
      }
    });

    it('never tells a secret or a right signature in its detail', () => {
      const [settings, headers] = signedBy(name);
      const { detail } = verify(settings, 'another', headers);
      for (const value of [SECRET, ...Object.values(headers)]) expect(detail).not.toContain(value);
    });
  });

  it.each(WITH_TIME)('refuses what %s signed more than 300 s ago or ahead', (name) => {
    const passes = (seconds: number, tolerance?: number): boolean => {
      const [settings, headers] = signedBy(name, seconds);
      const limits = tolerance === undefined ? {} : { tolerance_seconds: tolerance };
      return verify({ ...settings, ...limits }, BODY, headers).passed;
    };
    expect([SECONDS - 300, SECONDS + 300].map((seconds) => passes(seconds))).toEqual([true, true]);
    expect([SECONDS - 302, SECONDS + 302, 0].map((seconds) => passes(seconds))).toEqual([false, false, false]);
    expect([passes(SECONDS - 30, 10), passes(SECONDS - 5, 10)]).toEqual([false, true]);
  });

  it("takes GitHub's documented example", () => {
    const example = request('Hello, World!', {
      'x-hub-signature-256': 'sha256=757107ea0eb2509fc211221cce984b8a37570b6d7586c22c46f4379c8b043e17',
    });
    expect(verifySignature({ scheme: 'github' }, ["It's a Secret to Everybody"], example, NOW).passed).toBe(true);
  });

  it("takes Slack's documented example", () => {
    const body =
      'token=xyzz0WbapA4vBCDEFasx0q6G&team_id=T1DC2JH3J&team_domain=testteamnow&channel_id=G8PSS9T3V&channel_name=foobar' +
      '&user_id=U2CERLKJA&user_name=roadrunner&command=%2Fwebhook-collect&text=&response_url=https%3A%2F%2Fhooks.slack.com' +
      '%2Fcommands%2FT1DC2JH3J%2F397700885554%2F96rGlfmibIGlgcZRskXaIFfN&trigger_id=398738663015.47445629121.803a0bc887a1' +
      '4d10d2c447fce8b6703c';
    const example = request(body, {
      'x-slack-signature': 'v0=a2114d57b48eac39b9ad189dd8316235a7b4a8d21a10bd27519666489c69b503',
      'x-slack-request-timestamp': '1531420618',
    });
    const signedAt = new Date(1_531_420_618_000);
    expect(verifySignature({ scheme: 'slack' }, ['8f742231b10e8888abcd99yyyzzz85a5'], example, signedAt).passed).toBe(
      true,
    );
  });

  it('takes the example of the Standard Webhooks libraries, and what their package signs', () => {
    const secret = 'whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw';
    const example = {
      'webhook-id': 'msg_p5jXN8AQM9LWM0D4loKWxJek',
      'webhook-timestamp': '1614265330',
      'webhook-signature':
        'v1,bm9ldHUjKzFob2VudXRob2VodWUzMjRvdWVvdW9ldQo= v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE=',
    };
    const body = '{"test": 2432232314}';
    const settings = { scheme: 'standard-webhooks' } as const;
    const signedAt = new Date(1_614_265_330_000);
    expect(verifySignature(settings, [secret], request(body, example), signedAt).passed).toBe(true);
    const svix = Object.fromEntries(
      Object.entries(example).map(([name, value]) => [name.replace('webhook', 'svix'), value]),
    );
    expect(verifySignature(settings, [secret], request(body, svix), signedAt).passed).toBe(true);

    fc.assert(
      fc.property(fc.string(), fc.uint8Array({ minLength: 24, maxLength: 64 }), (payload, bytes) => {
        const key = `whsec_${Buffer.from(bytes).toString('base64')}`;
        const signature = new Webhook(key).sign('msg_1', NOW, payload);
        const headers = { 'webhook-id': 'msg_1', 'webhook-timestamp': String(SECONDS), 'webhook-signature': signature };
        return verifySignature(settings, [key], request(payload, headers), NOW).passed;
      }),
    );
  });

  it('takes one right signature of several, and no more than twenty', () => {
    const right = mac(BODY);
    const several = (count: number): string =>
      [...Array.from({ length: count }, () => `sha256=${'0'.repeat(64)}`), `sha256=${right}`].join(', ');
    expect(verify({ scheme: 'github' }, BODY, { 'x-hub-signature-256': several(19) }).passed).toBe(true);
    expect(verify({ scheme: 'github' }, BODY, { 'x-hub-signature-256': several(20) }).passed).toBe(false);
    expect(verify({ scheme: 'github' }, BODY, { 'x-hub-signature-256': ['sha256=x', `sha256=${right}`] }).passed).toBe(
      true,
    );
    const stripe = `t=${SECONDS},v1=0000,v1=${mac(`${SECONDS}.${BODY}`)}`;
    expect(verify({ scheme: 'stripe' }, BODY, { 'stripe-signature': stripe }).passed).toBe(true);
  });

  it('takes hexadecimal digits in upper case, but no base64 in another case', () => {
    const upper = mac(BODY).toUpperCase();
    expect(verify({ scheme: 'webhook' }, BODY, { 'x-webhook-signature': `sha256=${upper}` }).passed).toBe(true);
    const swapped = mac(BODY, 'sha256', 'base64').replace(/[a-z]/, (letter) => letter.toUpperCase());
    expect(verify({ scheme: 'shopify' }, BODY, { 'x-shopify-hmac-sha256': swapped }).passed).toBe(false);
  });

  it('refuses a Stripe time that is given twice', () => {
    const header = `t=1,t=${SECONDS},v1=${mac(`${SECONDS}.${BODY}`)}`;
    expect(verify({ scheme: 'stripe' }, BODY, { 'stripe-signature': header }).passed).toBe(false);
  });

  it('takes everything when the endpoint takes unsigned requests', () => {
    expect(verifySignature({ scheme: 'none' }, [], request(BODY, {}), NOW).passed).toBe(true);
  });
});
