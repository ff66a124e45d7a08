import { createHmac, sign, timingSafeEqual, verify, type KeyObject } from 'node:crypto';

/** Marks a secret whose remainder is the base64 of the signing key (Standard Webhooks 1.0, "Signature scheme"). */
const STANDARD_SECRET_PREFIX = 'whsec_';

/** What `webhook-signature` may hold: HMAC-SHA256 with the secret, ed25519 with the tenant's key. */
export const SIGNATURE_TYPES = ['v1', 'v1a'] as const;
export type SignatureType = (typeof SIGNATURE_TYPES)[number];

/** Bytes of randomness in a generated secret; Standard Webhooks recommends 24 to 64. */
export const SECRET_BYTES = 32;

/** Seconds that the sender's clock and ours may differ, as in the Standard Webhooks reference libraries. */
export const DEFAULT_TOLERANCE_SECONDS = 300;

/** Padded standard base64 of at least one byte. */
const BASE64 = /^(?=.)(?:[A-Za-z0-9+/]{4})*(?:[A-Za-z0-9+/]{2}==|[A-Za-z0-9+/]{3}=)?$/;
const UNIX_SECONDS = /^\d{1,12}$/;

/** The Standard Webhooks headers as they arrived. */
export interface StandardHeaders {
  /** `webhook-id` */
  readonly id: string;
  /** `webhook-timestamp`, Unix seconds in decimal */
  readonly timestamp: string;
  /** `webhook-signature`, one or more space-separated `v1,<base64>` or `v1a,<base64>` */
  readonly signature: string;
}

/**
 * Signs a body for `X-Trae-Signature-256`: `sha256=` and the HMAC-SHA256 in hex.
 *
 * The secret is used as its UTF-8 bytes as it stands, `whsec_` included, because the reference's
 * receivers do `createHmac('sha256', secret)`.
 */
export function signTrae(secret: Buffer | string, body: Buffer): string {
  return `sha256=${createHmac('sha256', secret).update(body).digest('hex')}`;
}

/** Says whether `signature` is the `X-Trae-Signature-256` of the body, in constant time; it never throws. */
export function verifyTrae(secret: Buffer | string, body: Buffer, signature: string): boolean {
  return equalsInConstantTime(signature, signTrae(secret, body));
}

/**
 * Signs a body for `webhook-signature`: `v1,` and the base64 HMAC-SHA256 over `id.timestamp.body`
 * (Standard Webhooks 1.0).
 */
export function signStandard(key: Buffer, id: string, timestampSeconds: number, body: Buffer): string {
  const mac = createHmac('sha256', key).update(`${id}.${timestampSeconds}.`).update(body).digest('base64');
  return `v1,${mac}`;
}

/**
 * Says whether one of the signatures in `webhook-signature` is right and the timestamp is within
 * `toleranceSeconds` of `nowMs` in either direction; compares in constant time and never throws.
 */
export function verifyStandard(
  key: Buffer,
  headers: StandardHeaders,
  body: Buffer,
  nowMs: number,
  toleranceSeconds: number = DEFAULT_TOLERANCE_SECONDS,
): boolean {
  if (!isFresh(headers.timestamp, nowMs, toleranceSeconds)) return false;
  const expected = signStandard(key, headers.id, Number(headers.timestamp), body);
  return headers.signature.split(' ').some((candidate) => equalsInConstantTime(candidate, expected));
}

/** Signs a body for `webhook-signature`: `v1a,` and the base64 ed25519 signature over `id.timestamp.body`. */
export function signAsymmetric(privateKey: KeyObject, id: string, timestampSeconds: number, body: Buffer): string {
  return `v1a,${sign(null, signedContent(id, timestampSeconds, body), privateKey).toString('base64')}`;
}

/** As {@link verifyStandard}, for a `v1a` signature. */
export function verifyAsymmetric(
  publicKey: KeyObject,
  headers: StandardHeaders,
  body: Buffer,
  nowMs: number,
  toleranceSeconds: number = DEFAULT_TOLERANCE_SECONDS,
): boolean {
  if (!isFresh(headers.timestamp, nowMs, toleranceSeconds)) return false;
  const signed = signedContent(headers.id, Number(headers.timestamp), body);
  return headers.signature.split(' ').some((candidate) => {
    const [type, signature] = candidate.split(',');
    return (
      type === 'v1a' && signature !== undefined && verify(null, signed, publicKey, Buffer.from(signature, 'base64'))
    );
  });
}

function signedContent(id: string, timestampSeconds: number, body: Buffer): Buffer {
  return Buffer.concat([Buffer.from(`${id}.${timestampSeconds}.`), body]);
}

function isFresh(timestamp: string, nowMs: number, toleranceSeconds: number): boolean {
  return UNIX_SECONDS.test(timestamp) && Math.abs(Math.floor(nowMs / 1000) - Number(timestamp)) <= toleranceSeconds;
}

/** The Standard Webhooks key of a secret: the base64 after `whsec_`, or the UTF-8 bytes of any other secret. */
export function standardKey(secret: string): Buffer {
  return secret.startsWith(STANDARD_SECRET_PREFIX)
    ? Buffer.from(secret.slice(STANDARD_SECRET_PREFIX.length), 'base64')
    : Buffer.from(secret, 'utf8');
}

/**
 * Says whether a secret can be used: any text, except that `whsec_` must be followed by well-formed
 * base64, since receivers' libraries refuse anything else. Length limits are the caller's.
 */
export function isUsableSecret(secret: string): boolean {
  if (!secret.startsWith(STANDARD_SECRET_PREFIX)) return secret.length > 0;
  return BASE64.test(secret.slice(STANDARD_SECRET_PREFIX.length));
}

/**
 * Makes a secret, `whsec_` and base64, of the caller's randomness.
 *
 * @throws RangeError when `random` is not exactly SECRET_BYTES long
 */
export function generateSecret(random: Buffer): string {
  if (random.length !== SECRET_BYTES) {
    throw new RangeError(`a secret is made of ${SECRET_BYTES} random bytes, got ${random.length}`);
  }
  return STANDARD_SECRET_PREFIX + random.toString('base64');
}

/** The length may leak: it is the same for every signature. */
function equalsInConstantTime(received: string, expected: string): boolean {
  const receivedBytes = Buffer.from(received, 'utf8');
  const expectedBytes = Buffer.from(expected, 'utf8');
  return receivedBytes.length === expectedBytes.length && timingSafeEqual(receivedBytes, expectedBytes);
}
