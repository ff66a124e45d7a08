import { randomBytes } from 'node:crypto';
import type { InboundEndpointEntity } from '#database/entities/inbound-endpoint.entity';
import { openJson, sealJson, type StoredSecret } from '#database/inbound-secrets';
import type { SecretBox } from '#database/secret-box';
import { generateSecret, SECRET_BYTES } from '#webhook-rules/signature';

const URL_KEY_BYTES = 24;
/** Of one endpoint at once, the newest. */
const MAX_SECRETS = 5;

/** A key that nobody guesses: 192 bits. */
export function newUrlKey(): string {
  return randomBytes(URL_KEY_BYTES).toString('base64url');
}

export function newSecret(): string {
  return generateSecret(randomBytes(SECRET_BYTES));
}

export function sealSecrets(box: SecretBox, id: string, secrets: StoredSecret[]): Buffer {
  return sealJson(box, 'inbound_endpoint:secrets', id, secrets);
}

/** Newest first. @throws Error when they were sealed with a key that is not configured. */
export function openSecrets(
  box: SecretBox,
  { id, sealedSecrets }: Pick<InboundEndpointEntity, 'id' | 'sealedSecrets'>,
): StoredSecret[] {
  return openJson<StoredSecret[]>(box, 'inbound_endpoint:secrets', id, sealedSecrets);
}

/** The present secret. */
export function presentSecret(secrets: readonly StoredSecret[]): string {
  return secrets.find(({ valid_until }) => valid_until === null)?.secret ?? '';
}

/** A new secret before those that are valid until the overlap ends, or ended earlier by an overlap before. */
export function rotated(
  secrets: readonly StoredSecret[],
  secret: string,
  nowMs: number,
  overlapSeconds: number,
): StoredSecret[] {
  const until = new Date(nowMs + overlapSeconds * 1_000).toISOString();
  const older = secrets
    .map(({ secret: old, valid_until }) => ({
      secret: old,
      valid_until: valid_until === null || valid_until > until ? until : valid_until,
    }))
    .filter(({ secret: old, valid_until }) => old !== secret && Date.parse(valid_until) > nowMs);
  return [{ secret, valid_until: null }, ...older].slice(0, MAX_SECRETS);
}
