import type { Queryable } from '#accept/accept-events';

/** What a tenant may publish. */
export interface TenantAllowance {
  suspended: boolean;
  /** Bytes of `data`; null for the installation's default. */
  maxEventBytes: number | null;
}

/** Null when there is no such tenant, or no more. */
export async function findTenantAllowance(queryable: Queryable, tenantId: string): Promise<TenantAllowance | null> {
  const { rows } = await queryable.query<{ suspended: boolean; max_event_bytes: number | null }>({
    text: `SELECT status = 'suspended' AS suspended, (limits ->> 'max_event_bytes')::integer AS max_event_bytes
           FROM tenants WHERE id = $1 AND deleted_at IS NULL`,
    values: [tenantId],
  });
  const [row] = rows;
  return row === undefined ? null : { suspended: row.suspended, maxEventBytes: row.max_event_bytes };
}
