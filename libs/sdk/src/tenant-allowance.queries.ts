import type { Queryable } from '#accept/insert-events.queries';

/** What a tenant may publish. */
export interface TenantAllowance {
  suspended: boolean;
  /** Bytes of `data`; null for the installation's default. */
  maxEventBytes: number | null;
  /** Null for any number. */
  eventsPerSecond: number | null;
  /** Grows with every change to the tenant's event types and their settings. */
  eventTypesVersion: bigint;
}

/** Null when there is no such tenant, or no more. */
export async function findTenantAllowance(queryable: Queryable, tenantId: string): Promise<TenantAllowance | null> {
  const { rows } = await queryable.query<{
    suspended: boolean;
    max_event_bytes: number | null;
    events_per_second: number | null;
    event_types_version: string;
  }>({
    text: `SELECT status = 'suspended' AS suspended, (limits ->> 'max_event_bytes')::integer AS max_event_bytes,
             (limits ->> 'events_per_second')::integer AS events_per_second,
             event_types_version
           FROM tenants WHERE id = $1 AND deleted_at IS NULL`,
    values: [tenantId],
  });
  const [row] = rows;
  if (row === undefined) return null;
  return {
    suspended: row.suspended,
    maxEventBytes: row.max_event_bytes,
    eventsPerSecond: row.events_per_second,
    eventTypesVersion: BigInt(row.event_types_version),
  };
}
