import type { EntityManager } from 'typeorm';

/** An ed25519 key of a tenant, without its private half. */
export interface SigningKeyRow {
  id: string;
  public_key: Buffer;
  created_at: Date;
  /** Null for the newest. */
  expires_at: Date | null;
}

export interface NewSigningKey {
  id: string;
  publicKey: Buffer;
  sealedPrivateKey: Buffer;
}

/** The keys that sign, the newest first. */
export function listSigningKeys(manager: EntityManager, tenantId: string): Promise<SigningKeyRow[]> {
  return manager.query(
    `SELECT id, public_key, created_at, expires_at FROM signing_keys
     WHERE tenant_id = $1 AND (expires_at IS NULL OR expires_at > now()) ORDER BY id DESC`,
    [tenantId],
  );
}

/** Stores a key unless the tenant has one that does not expire. */
export async function insertSigningKey(manager: EntityManager, tenantId: string, key: NewSigningKey): Promise<void> {
  await manager.query(
    `INSERT INTO signing_keys (id, tenant_id, public_key, sealed_private_key) VALUES ($1, $2, $3, $4)
     ON CONFLICT (tenant_id) WHERE expires_at IS NULL DO NOTHING`,
    [key.id, tenantId, key.publicKey, key.sealedPrivateKey],
  );
}

/** Whether the tenant has a key that does not expire. */
export async function hasSigningKey(manager: EntityManager, tenantId: string): Promise<boolean> {
  const rows: unknown[] = await manager.query('SELECT FROM signing_keys WHERE tenant_id = $1 AND expires_at IS NULL', [
    tenantId,
  ]);
  return rows.length > 0;
}

/** Lets the newest key sign for a while longer only. */
export async function retireNewestKey(manager: EntityManager, tenantId: string, overlapSeconds: number): Promise<void> {
  await manager.query(
    `UPDATE signing_keys SET expires_at = now() + make_interval(secs => $2) WHERE tenant_id = $1 AND expires_at IS NULL`,
    [tenantId, overlapSeconds],
  );
}

/** Erases all keys of the tenant. */
export async function deleteSigningKeys(manager: EntityManager, tenantId: string): Promise<void> {
  await manager.query('DELETE FROM signing_keys WHERE tenant_id = $1', [tenantId]);
}

export async function tenantExists(manager: EntityManager, tenantId: string): Promise<boolean> {
  const rows: unknown[] = await manager.query('SELECT FROM tenants WHERE id = $1 AND deleted_at IS NULL', [tenantId]);
  return rows.length > 0;
}
