import { randomBytes } from 'node:crypto';
import type { EntityManager } from 'typeorm';
import { sealContext } from '#database/seal-contexts';
import type { SecretBox } from '#database/secret-box';
import { newUuid } from '#kernel/ids';
import { ED25519_KEY_BYTES, rawPublicKey } from '#webhook-rules/ed25519-keys';
import { hasSigningKey, insertSigningKey, type NewSigningKey } from './signing-keys.queries';

/** A fresh ed25519 key, its private half sealed. */
export function newSigningKey(box: SecretBox): NewSigningKey {
  const id = newUuid(Date.now());
  const seed = randomBytes(ED25519_KEY_BYTES);
  return {
    id,
    publicKey: rawPublicKey(seed),
    sealedPrivateKey: box.seal(seed.toString('base64'), sealContext.privateKey(id)),
  };
}

/** Makes the tenant's first key where it has none; two at once make one. */
export async function ensureSigningKey(manager: EntityManager, tenantId: string, box: SecretBox): Promise<void> {
  if (await hasSigningKey(manager, tenantId)) return;
  await insertSigningKey(manager, tenantId, newSigningKey(box));
}
