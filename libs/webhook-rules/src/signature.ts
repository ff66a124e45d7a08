import { createHmac, timingSafeEqual } from 'node:crypto';

/** Marks a secret whose remainder is the base64 of the signing key (Standard Webhooks 1.0, "Signature scheme"). */
const STANDARD_SECRET_PREFIX = 'whsec_';

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
  /** `webhook-signature`, one or more space-separated `v1,<base64>` */
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
  if (!UNIX_SECONDS.test(headers.timestamp)) return false;
  const timestampSeconds = Number(headers.timestamp);
  if (Math.abs(Math.floor(nowMs / 1000) - timestampSeconds) > toleranceSeconds) return false;
  const expected = signStandard(key, headers.id, timestampSeconds, body);
  return headers.signature.split(' ').some((candidate) => equalsInConstantTime(candidate, expected));
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
