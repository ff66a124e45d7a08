import type { Pool } from 'pg';
import type { TenantLimits } from '#database/entities/tenant.entity';

/** Everything a request needs to know of its token. */
export interface TokenRow {
  hash: Buffer;
  id: string;
  tenant_id: string;
  user_id: string;
  scopes: string[];
  project_id: string | null;
  expires_at: Date | null;
  revoked_at: Date | null;
  limits: TenantLimits;
  event_types_version: string;
  suspended: boolean;
}

/** How far back {@link readTokenChanges} looks, by the database's clock. */
const CHANGES_WINDOW_MS = 10_000;

/** The tokens with these hashes, of tenants that are not deleted. */
export async function findTokens(pool: Pool, hashes: Buffer[]): Promise<TokenRow[]> {
  const { rows } = await pool.query<TokenRow>({ name: 'find-tokens', text: FIND_TOKENS, values: [hashes] });
  return rows;
}

/** A token that was revoked, or a tenant whose status or limits changed. */
export interface TokenChange {
  kind: 'token' | 'tenant';
  id: string;
  at: Date;
}

/** What changed within the last {@link CHANGES_WINDOW_MS}. */
export async function readTokenChanges(pool: Pool): Promise<TokenChange[]> {
  const { rows } = await pool.query<TokenChange>({ name: 'token-changes', text: TOKEN_CHANGES });
  return rows;
}

/** Notes that tokens were used just now; where another instance did so within the minute, it changes nothing. */
export async function markTokensUsed(pool: Pool, tokenIds: string[]): Promise<void> {
  await pool.query({ name: 'mark-tokens-used', text: MARK_USED, values: [tokenIds] });
}

const FIND_TOKENS = `
  SELECT token.hash, token.id, token.tenant_id, token.user_id, token.scopes, token.project_id, token.expires_at,
    token.revoked_at, tenant.limits, tenant.event_types_version, tenant.status = 'suspended' AS suspended
  FROM tokens token JOIN tenants tenant ON tenant.id = token.tenant_id
  WHERE token.hash = ANY ($1::bytea[]) AND tenant.deleted_at IS NULL`;

const TOKEN_CHANGES = `
  SELECT 'token' AS kind, id, revoked_at AS at FROM tokens WHERE revoked_at > now() - interval '${CHANGES_WINDOW_MS} ms'
  UNION ALL
  SELECT 'tenant', id, changed_at FROM tenants WHERE changed_at > now() - interval '${CHANGES_WINDOW_MS} ms'`;

// Locks in the order of the ids and passes over what another instance is marking, so that two never wait for each other;
// not over tokens to which a row is being added somewhere, as at the first use from an address.
const MARK_USED = `
  UPDATE tokens SET last_used_at = now() WHERE id IN (
    SELECT id FROM tokens
    WHERE id = ANY ($1::uuid[]) AND (last_used_at IS NULL OR last_used_at < now() - interval '1 minute')
    ORDER BY id FOR NO KEY UPDATE SKIP LOCKED)`;
