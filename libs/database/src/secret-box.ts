import { createCipheriv, createDecipheriv, createHash, randomBytes } from 'node:crypto';

const FORMAT_VERSION = 1;
const KEY_ID_BYTES = 4;
const IV_BYTES = 12;
const TAG_BYTES = 16;
const HEADER_BYTES = 1 + KEY_ID_BYTES;

/** Seals secrets for storage with AES-256-GCM. */
export interface SecretBox {
  /** The id of the key that seals, 8 hex digits: no secret. */
  readonly keyId: string;
  /** The id of the key that a box was sealed with. */
  keyIdOf(box: Buffer): string;
  /** `context` (for example `webhook:<id>:secret`) is authenticated: a box moved to another row cannot be unsealed. */
  seal(plain: string, context: string): Buffer;
  /** @throws Error when the key is not among the configured ones, or the box was altered or moved. */
  unseal(box: Buffer, context: string): string;
}

/**
 * A box over several keys: the first seals, all unseal, so that a new key is introduced by putting it in front.
 * Layout: version (1 byte), key id (first 4 bytes of the key's SHA-256), iv (12), tag (16), ciphertext.
 * @param keys 32 bytes each, at least one.
 */
export function createSecretBox(keys: Buffer[]): SecretBox {
  const ring = keys.map((key) => ({ id: createHash('sha256').update(key).digest().subarray(0, KEY_ID_BYTES), key }));
  const sealing = ring[0];
  if (sealing === undefined) throw new Error('No encryption key is configured');
  const keyIdOf = (box: Buffer): string => box.toString('hex', 1, HEADER_BYTES);
  return {
    keyId: sealing.id.toString('hex'),
    keyIdOf,
    seal(plain, context) {
      const iv = randomBytes(IV_BYTES);
      const cipher = createCipheriv('aes-256-gcm', sealing.key, iv).setAAD(Buffer.from(context));
      const sealed = Buffer.concat([cipher.update(plain, 'utf8'), cipher.final()]);
      return Buffer.concat([Buffer.of(FORMAT_VERSION), sealing.id, iv, cipher.getAuthTag(), sealed]);
    },
    unseal(box, context) {
      const keyId = box.subarray(1, HEADER_BYTES);
      const found = ring.find((candidate) => candidate.id.equals(keyId));
      if (box[0] !== FORMAT_VERSION || found === undefined) {
        throw new Error(`A stored secret was sealed with key ${keyIdOf(box)}, which ENCRYPTION_KEY does not list`);
      }
      const iv = box.subarray(HEADER_BYTES, HEADER_BYTES + IV_BYTES);
      const tag = box.subarray(HEADER_BYTES + IV_BYTES, HEADER_BYTES + IV_BYTES + TAG_BYTES);
      const decipher = createDecipheriv('aes-256-gcm', found.key, iv).setAAD(Buffer.from(context)).setAuthTag(tag);
      const sealed = box.subarray(HEADER_BYTES + IV_BYTES + TAG_BYTES);
      return Buffer.concat([decipher.update(sealed), decipher.final()]).toString('utf8');
    },
  };
}
