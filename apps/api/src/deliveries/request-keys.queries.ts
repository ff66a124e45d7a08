import { createHash } from 'node:crypto';
import type { EntityManager } from 'typeorm';
import { AppError, invalidRequest } from '#kernel/app-error';

/** How long an `Idempotency-Key` is remembered, as for publishing. */
const REMEMBERED_HOURS = 24;
const FORM = /^[\x21-\x7e]{1,255}$/;

/** One request that may come twice. */
export interface KeyedRequest {
  /** What is asked for: the same key may be used for each once. */
  kind: 'redelivery' | 'bulk-redelivery' | 'test';
  key: string;
  /** Everything that must be the same the second time. */
  content: readonly (Buffer | string)[];
  /** The delivery, or the job, that this request makes. */
  madeId: string;
}

/** The header `Idempotency-Key`, or null when it was not sent. @throws AppError 400. */
export function readIdempotencyKey(header: string | undefined): string | null {
  if (header === undefined) return null;
  if (FORM.test(header)) return header;
  const message = 'must have 1 to 255 printable ASCII characters without spaces';
  throw invalidRequest([{ field: 'Idempotency-Key', message }]);
}

/**
 * Notes a request under its key; one of the same key that is still under way is waited for.
 * @returns what was made by the request that came first: this one's own when this is the first.
 * @throws AppError 422 when the key was used with another content.
 */
export async function noteRequestKey(manager: EntityManager, tenantId: string, request: KeyedRequest): Promise<string> {
  // Cut to 128 bits, as the keys of events are.
  const keyHash = sha256([`${request.kind}:${request.key}`]).subarray(0, 16);
  const fingerprint = sha256(request.content);
  const noted: unknown[] = await manager.query(
    `INSERT INTO idempotency_keys AS k (tenant_id, key_hash, fingerprint, event_id, expires_at)
     VALUES ($1, $2, $3, $4, now() + make_interval(hours => ${REMEMBERED_HOURS}))
     ON CONFLICT (tenant_id, key_hash) DO UPDATE
       SET fingerprint = excluded.fingerprint, event_id = excluded.event_id, expires_at = excluded.expires_at
       WHERE k.expires_at <= now()
     RETURNING k.event_id`,
    [tenantId, keyHash, fingerprint, request.madeId],
  );
  if (noted.length > 0) return request.madeId;
  const first: { event_id: string; fingerprint: Buffer }[] = await manager.query(
    'SELECT event_id, fingerprint FROM idempotency_keys WHERE tenant_id = $1 AND key_hash = $2',
    [tenantId, keyHash],
  );
  if (first[0]?.fingerprint.equals(fingerprint) === true) return first[0].event_id;
  const message = 'was used before for another request';
  throw new AppError(422, 'idempotency_mismatch', `Idempotency-Key: ${message}`, {
    details: [{ field: 'Idempotency-Key', message }],
  });
}

function sha256(parts: readonly (Buffer | string)[]): Buffer {
  const hash = createHash('sha256');
  for (const part of parts) hash.update(part);
  return hash.digest();
}
