import type { Pool } from 'pg';

/** What publishing an event of a type asks of the tenant. */
export interface PublishRules {
  /** Newest version of the type of the tenant's own; null where it has none that is in use. */
  ownVersion: number | null;
  /** JSON; null where that version has none. */
  schema: string | null;
  validation: { built_in?: string; own?: string };
  eventsPerSecond: number | null;
  maxEventBytes: number | null;
}

export async function readPublishRules(pool: Pool, tenantId: string, eventType: string): Promise<PublishRules> {
  const result = await pool.query<{
    version: number | null;
    schema: string | null;
    validation: PublishRules['validation'];
    limits: { events_per_second?: number | null; max_event_bytes?: number | null };
  }>({
    name: 'publish-rules',
    text: `
      SELECT e.version, v.schema, t.schema_validation AS validation, t.limits
      FROM tenants t
      LEFT JOIN event_types e ON e.tenant_id = t.id AND e.name = $2 AND e.archived_at IS NULL
      LEFT JOIN event_type_versions v ON v.tenant_id = t.id AND v.name = e.name AND v.version = e.version
      WHERE t.id = $1`,
    values: [tenantId, eventType],
  });
  const row = result.rows[0];
  return {
    ownVersion: row?.version ?? null,
    schema: row?.schema ?? null,
    validation: row?.validation ?? {},
    eventsPerSecond: row?.limits.events_per_second ?? null,
    maxEventBytes: row?.limits.max_event_bytes ?? null,
  };
}
