import { createSecretBox } from '#database/secret-box';

/** Seals what is secret before it is stored. */
export interface TextSeal {
  /** @param context what it belongs to: put elsewhere, it does not open. */
  seal(plain: string, context: string): string;
  /** @throws Error when it was sealed with another key. */
  unseal(stored: string, context: string): string;
}

const KEY_BYTES = 32;
const MARK = 'sealed:';

/** @param key 32 bytes in base64; without one texts stay as they are. @throws Error when it is no such key. */
export function createTextSeal(key: string | undefined): TextSeal {
  if (key === undefined) return { seal: (plain) => plain, unseal: (stored) => requirePlain(stored) };
  const bytes = Buffer.from(key, 'base64');
  if (bytes.length !== KEY_BYTES) throw new Error(`encryptionKey: must be ${KEY_BYTES} bytes in base64`);
  const box = createSecretBox([bytes]);
  return {
    seal: (plain, context) => MARK + box.seal(plain, context).toString('base64'),
    // What was stored before there was a key is read as it is, and sealed when it is written next.
    unseal: (stored, context) =>
      stored.startsWith(MARK) ? box.unseal(Buffer.from(stored.slice(MARK.length), 'base64'), context) : stored,
  };
}

function requirePlain(stored: string): string {
  if (stored.startsWith(MARK)) throw new Error('encryptionKey: is required, since the stored secrets are sealed');
  return stored;
}
