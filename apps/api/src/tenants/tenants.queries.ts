import type { Pool, PoolClient } from 'pg';
import type { TenantLimits } from '#database/entities/tenant.entity';

/** A tenant as the operator sees it. These statements run over all tenants, for the operator and the start only. */
export interface TenantRow {
  id: string;
  name: string;
  status: 'active' | 'suspended';
  limits: TenantLimits;
  allowed_cidrs: string[];
  created_at: Date;
}

/** A tenant with its first user and a token of theirs that may do everything. */
export interface NewTenant {
  id: string;
  name: string;
  limits: TenantLimits;
  user: { id: string; name: string; email: string | null };
  token: { id: string; name: string; hash: Buffer };
}

const COLUMNS = 'id, name, status, limits, allowed_cidrs, created_at';

export async function insertTenant(client: PoolClient, tenant: NewTenant): Promise<TenantRow> {
  const { user, token } = tenant;
  const { rows } = await client.query<TenantRow>(
    `WITH tenant AS (INSERT INTO tenants (id, name, limits) VALUES ($1, $2, $3) RETURNING *),
       new_user AS (INSERT INTO users (id, tenant_id, name, email) VALUES ($4, $1, $5, $6)),
       new_token AS (INSERT INTO tokens (id, tenant_id, user_id, name, hash, scopes) VALUES ($7, $1, $4, $8, $9, '{*}'))
     SELECT ${COLUMNS} FROM tenant`,
    [tenant.id, tenant.name, tenant.limits, user.id, user.name, user.email, token.id, token.name, token.hash],
  );
  return rows[0] as TenantRow;
}

/**
 * Makes a tenant, its user and a token of theirs where they do not exist; several instances may do so at once. A tenant
 * that was deleted is not made again.
 * @returns what was made.
 */
export async function ensureTenant(
  client: PoolClient,
  tenant: NewTenant,
): Promise<{ madeTenant: boolean; madeToken: boolean }> {
  const { user, token } = tenant;
  const tenants = await client.query(
    `INSERT INTO tenants (id, name) SELECT $1, $2 WHERE NOT EXISTS (SELECT FROM tenant_deletions WHERE id = $1)
     ON CONFLICT DO NOTHING`,
    [tenant.id, tenant.name],
  );
  await client.query(
    `INSERT INTO users (id, tenant_id, name) SELECT $1, tenants.id, $3 FROM tenants WHERE tenants.id = $2 AND deleted_at IS NULL
     ON CONFLICT DO NOTHING`,
    [user.id, tenant.id, user.name],
  );
  const tokens = await client.query(
    `INSERT INTO tokens (id, tenant_id, user_id, name, hash, scopes)
     SELECT $1, tenants.id, $3, $4, $5, '{*}' FROM tenants WHERE tenants.id = $2 AND deleted_at IS NULL
     ON CONFLICT DO NOTHING`,
    [token.id, tenant.id, user.id, token.name, token.hash],
  );
  return { madeTenant: tenants.rowCount === 1, madeToken: tokens.rowCount === 1 };
}

/** One page in the order of creation, and how many there are. */
export async function listTenants(
  pool: Pool,
  page: { limit: number; offset: number },
): Promise<{ tenants: TenantRow[]; total: number }> {
  const [tenants, total] = await Promise.all([
    pool.query<TenantRow>(`SELECT ${COLUMNS} FROM tenants WHERE deleted_at IS NULL ORDER BY id LIMIT $1 OFFSET $2`, [
      page.limit,
      page.offset,
    ]),
    pool.query<{ total: number }>('SELECT count(*)::integer AS total FROM tenants WHERE deleted_at IS NULL'),
  ]);
  return { tenants: tenants.rows, total: total.rows[0]?.total ?? 0 };
}

export async function findTenant(pool: Pool, id: string): Promise<TenantRow | null> {
  const { rows } = await pool.query<TenantRow>(`SELECT ${COLUMNS} FROM tenants WHERE id = $1 AND deleted_at IS NULL`, [
    id,
  ]);
  return rows[0] ?? null;
}

/** {@link findTenant}, locked until the transaction ends. */
export async function lockTenant(client: PoolClient, id: string): Promise<TenantRow | null> {
  const { rows } = await client.query<TenantRow>(
    `SELECT ${COLUMNS} FROM tenants WHERE id = $1 AND deleted_at IS NULL FOR NO KEY UPDATE`,
    [id],
  );
  return rows[0] ?? null;
}

/** What is null stays as it is. */
export async function updateTenant(
  client: PoolClient,
  id: string,
  change: { name: string | null; status: string | null; limits: TenantLimits | null; allowedCidrs: string[] | null },
): Promise<TenantRow | null> {
  const { rows } = await client.query<TenantRow>(
    `UPDATE tenants SET name = coalesce($2, name), status = coalesce($3, status), limits = coalesce($4, limits),
       allowed_cidrs = coalesce($5, allowed_cidrs), webhooks_version = webhooks_version + ($5::text[] IS NOT NULL)::integer,
       changed_at = clock_timestamp()
     WHERE id = $1 AND deleted_at IS NULL RETURNING ${COLUMNS}`,
    [id, change.name, change.status, change.limits, change.allowedCidrs],
  );
  return rows[0] ?? null;
}

/**
 * Marks a tenant and its webhooks deleted and revokes its tokens, in one commit; its rows are deleted later. Webhooks are locked before
 * their tenant, as by everyone who changes one, so that neither waits for the other for ever.
 */
export async function deleteTenant(client: PoolClient, id: string): Promise<Date | null> {
  // The count, which is never below 0, makes the tenant's update wait for the locks.
  const { rows } = await client.query<{ deleted_at: Date }>(
    `WITH locked AS MATERIALIZED (
       SELECT id FROM webhooks WHERE tenant_id = $1 AND deleted_at IS NULL ORDER BY id FOR UPDATE),
     tenant AS (
       UPDATE tenants SET deleted_at = clock_timestamp(), changed_at = clock_timestamp(), webhooks_version = webhooks_version + 1
       WHERE id = $1 AND deleted_at IS NULL AND (SELECT count(*) FROM locked) >= 0 RETURNING id, deleted_at),
     revoked AS (
       UPDATE tokens SET revoked_at = clock_timestamp()
       WHERE tenant_id = (SELECT id FROM tenant) AND revoked_at IS NULL),
     deactivated AS (
       UPDATE webhooks SET active = false, disabled_reason = 'tenant_deleted', deleted_at = clock_timestamp(),
         version = version + 1, updated_at = now()
       WHERE tenant_id = (SELECT id FROM tenant) AND deleted_at IS NULL),
     noted AS (INSERT INTO tenant_deletions (id, requested_at) SELECT id, deleted_at FROM tenant)
     SELECT deleted_at FROM tenant`,
    [id],
  );
  return rows[0]?.deleted_at ?? null;
}

/** How far the deletion of a tenant's rows has come. */
export interface TenantDeletionRow {
  id: string;
  requested_at: Date;
  started_at: Date | null;
  finished_at: Date | null;
  step: string;
  rows_deleted: string;
}

export async function findDeletion(pool: Pool, id: string): Promise<TenantDeletionRow | null> {
  const { rows } = await pool.query<TenantDeletionRow>(
    'SELECT id, requested_at, started_at, finished_at, step, rows_deleted FROM tenant_deletions WHERE id = $1',
    [id],
  );
  return rows[0] ?? null;
}
