import { createHmac, timingSafeEqual } from 'node:crypto';
import { Webhook } from 'standardwebhooks';
import {
  generateSecret,
  isUsableSecret,
  signStandard,
  signTrae,
  standardKey,
  verifyStandard,
  verifyTrae,
} from './signature';

const body = Buffer.from('{"event":"build.completed","data":{"name":"größe \\u0000 构建"}}');
const secret = 'your-webhook-secret-key';
const generated = generateSecret(Buffer.alloc(32, 7));
const nowMs = 1_704_110_400_500;
const timestampSeconds = 1_704_110_400;

/** The reference's receiver (section "签名验证"), as it stands. */
function verifyAsInReference(payload: Buffer, signature: string, key: string): boolean {
  const expectedSignature = createHmac('sha256', key).update(payload).digest('hex');
  const receivedSignature = signature.replace('sha256=', '');
  return timingSafeEqual(Buffer.from(expectedSignature, 'hex'), Buffer.from(receivedSignature, 'hex'));
}

describe('the Trae signature', () => {
  it('equals the published HMAC-SHA256 test vector (RFC 4231, case 2)', () => {
    expect(signTrae('Jefe', Buffer.from('what do ya want for nothing?'))).toBe(
      'sha256=5bdcc146bf60754e6a042426089575c75a003f089d2739839dec58b964ec3843',
    );
  });

  it.each([secret, generated])("is accepted by the reference's receiver with the secret %s", (key) => {
    expect(verifyAsInReference(body, signTrae(key, body), key)).toBe(true);
  });

  it('is the same for a secret given as text and as bytes', () => {
    expect(signTrae(Buffer.from(secret), body)).toBe(signTrae(secret, body));
  });

  it('verifies what it signed and nothing else', () => {
    const signature = signTrae(secret, body);
    expect(verifyTrae(secret, body, signature)).toBe(true);
    expect(verifyTrae('other', body, signature)).toBe(false);
    expect(verifyTrae(secret, Buffer.from('{}'), signature)).toBe(false);
  });

  it.each(['', 'sha256=', 'sha256=00', 'sha1=00', '\u{1F600}'.repeat(40), 'x'.repeat(10_000)])(
    'refuses %j without throwing',
    (signature) => {
      expect(verifyTrae(secret, body, signature)).toBe(false);
    },
  );

  it('refuses a right digest without its prefix', () => {
    expect(verifyTrae(secret, body, signTrae(secret, body).slice('sha256='.length))).toBe(false);
  });
});

describe('the Standard Webhooks signature', () => {
  const id = 'event_2NkXy1';
  const headersFor = (key: string, seconds = timestampSeconds) => ({
    id,
    timestamp: String(seconds),
    signature: signStandard(standardKey(key), id, seconds, body),
  });

  it.each([
    [generated, undefined],
    [secret, { format: 'raw' as const }],
  ])('is accepted by the standardwebhooks package with the secret %s', (key, options) => {
    const seconds = Math.floor(Date.now() / 1000);
    const { signature } = headersFor(key, seconds);
    const headers = { 'webhook-id': id, 'webhook-timestamp': String(seconds), 'webhook-signature': signature };
    expect(() => new Webhook(key, options).verify(body.toString(), headers)).not.toThrow();
    expect(() => new Webhook(key, options).verify(`${body.toString()} `, headers)).toThrow();
  });

  it.each([secret, generated])('verifies what it signed with the secret %s', (key) => {
    expect(verifyStandard(standardKey(key), headersFor(key), body, nowMs)).toBe(true);
  });

  it('accepts any right signature among several, as during a rotation of secrets', () => {
    const headers = headersFor(secret);
    const signature = `v1,${'A'.repeat(43)}= v2,x ${headers.signature}`;
    expect(verifyStandard(standardKey(secret), { ...headers, signature }, body, nowMs)).toBe(true);
  });

  it.each([-301, 301])('refuses a timestamp that is %d seconds off', (offsetSeconds) => {
    const headers = headersFor(secret, timestampSeconds + offsetSeconds);
    expect(verifyStandard(standardKey(secret), headers, body, nowMs)).toBe(false);
    expect(verifyStandard(standardKey(secret), headers, body, nowMs, 301)).toBe(true);
  });

  it.each(['', 'soon', '-1', '1e9', '0x10', ' 1704110400', '17041104001704110400'])(
    'refuses the timestamp %j',
    (timestamp) => {
      expect(verifyStandard(standardKey(secret), { ...headersFor(secret), timestamp }, body, nowMs)).toBe(false);
    },
  );

  it.each(['', 'v1', 'v1,', 'v1,AAAA', 'v2,AAAA', '   '])('refuses the signature %j without throwing', (signature) => {
    expect(verifyStandard(standardKey(secret), { ...headersFor(secret), signature }, body, nowMs)).toBe(false);
  });

  it('covers id, timestamp and body', () => {
    const headers = headersFor(secret);
    const key = standardKey(secret);
    expect(verifyStandard(key, { ...headers, id: 'event_other' }, body, nowMs)).toBe(false);
    expect(verifyStandard(key, { ...headers, timestamp: String(timestampSeconds + 1) }, body, nowMs)).toBe(false);
    expect(verifyStandard(key, headers, Buffer.from('{}'), nowMs)).toBe(false);
  });
});

describe('a secret', () => {
  it('is made of the given randomness', () => {
    expect(generated).toMatch(/^whsec_[A-Za-z0-9+/]{43}=$/);
    expect(standardKey(generated)).toEqual(Buffer.alloc(32, 7));
  });

  it.each([0, 31, 33])('is not made of %d bytes', (length) => {
    expect(() => generateSecret(Buffer.alloc(length))).toThrow(RangeError);
  });

  it.each([generated, secret, 'whsec', 'whsec_QQ==', 'whsec_QUI=', 'whsec_QUJD', 'geheim ü'])('can be %j', (text) => {
    expect(isUsableSecret(text)).toBe(true);
  });

  it.each(['', 'whsec_', 'whsec_Q', 'whsec_QQ', 'whsec_QQ=', 'whsec_not base64', 'whsec_QUJD=', 'whsec_Q-_D'])(
    'cannot be %j',
    (text) => {
      expect(isUsableSecret(text)).toBe(false);
    },
  );
});
