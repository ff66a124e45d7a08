import { createHash, createPrivateKey, createPublicKey, type KeyObject } from 'node:crypto';

/** Bytes of a raw ed25519 key, private (the seed) and public alike (RFC 8032, 5.1.5). */
export const ED25519_KEY_BYTES = 32;
/** How Standard Webhooks writes public keys: this and the base64 of the 32 bytes. */
const PUBLIC_PREFIX = 'whpk_';
/** What stands before the raw key in PKCS #8 and SPKI (RFC 8410). */
const PKCS8_HEAD = Buffer.from('302e020100300506032b657004220420', 'hex');
const SPKI_HEAD = Buffer.from('302a300506032b6570032100', 'hex');

/** An ed25519 public key as a JWK (RFC 8037). */
export interface PublicJwk {
  kty: 'OKP';
  crv: 'Ed25519';
  use: 'sig';
  alg: 'EdDSA';
  kid: string;
  x: string;
}

/** @throws RangeError when the seed has not 32 bytes. */
export function privateKeyOf(seed: Buffer): KeyObject {
  return createPrivateKey({ key: Buffer.concat([PKCS8_HEAD, sized(seed)]), format: 'der', type: 'pkcs8' });
}

/** @throws RangeError when the key has not 32 bytes. */
function publicKeyOf(raw: Buffer): KeyObject {
  return createPublicKey({ key: Buffer.concat([SPKI_HEAD, sized(raw)]), format: 'der', type: 'spki' });
}

/** The 32 bytes of the public key that belongs to a seed. */
export function rawPublicKey(seed: Buffer): Buffer {
  return createPublicKey(privateKeyOf(seed)).export({ format: 'der', type: 'spki' }).subarray(SPKI_HEAD.length);
}

/** `whpk_…` */
export function formatPublicKey(raw: Buffer): string {
  return PUBLIC_PREFIX + raw.toString('base64');
}

/**
 * Reads `whpk_…`, or `x` of a JWK.
 * @throws RangeError when it is no key.
 */
export function parsePublicKey(text: string): KeyObject {
  const encoded = text.startsWith(PUBLIC_PREFIX) ? text.slice(PUBLIC_PREFIX.length) : text;
  return publicKeyOf(Buffer.from(encoded, 'base64'));
}

/** The key as receivers find it at the JWKS URL; `kid` is its thumbprint (RFC 7638). */
export function toJwk(raw: Buffer): PublicJwk {
  const x = raw.toString('base64url');
  const kid = createHash('sha256').update(`{"crv":"Ed25519","kty":"OKP","x":"${x}"}`).digest('base64url');
  return { kty: 'OKP', crv: 'Ed25519', use: 'sig', alg: 'EdDSA', kid, x };
}

function sized(raw: Buffer): Buffer {
  if (raw.length !== ED25519_KEY_BYTES) throw new RangeError(`an ed25519 key has ${ED25519_KEY_BYTES} bytes`);
  return raw;
}
