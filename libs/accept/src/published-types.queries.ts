import { DEFAULT_VALIDATION, type SchemaValidation } from './schema-validation';
import { TenantEventTypes } from './tenant-event-types';

/** Runs one statement in the way of whoever publishes: behind row-level security, or in a caller's transaction. */
export type ReadRows = <Row extends object>(text: string, values: unknown[]) => Promise<Row[]>;

/** Everything that publishing and subscribing ask, read by one statement: the version is never newer than the types. */
export async function readTenantTypes(tenantId: string, read: ReadRows): Promise<TenantEventTypes> {
  const [row] = await read<{
    version: string;
    validation: Partial<SchemaValidation>;
    types: Record<string, number>;
  }>(
    `SELECT event_types_version AS version, schema_validation AS validation, coalesce(
       (SELECT json_object_agg(name, version) FROM event_types WHERE tenant_id = $1 AND archived_at IS NULL), '{}') AS types
     FROM tenants WHERE id = $1`,
    [tenantId],
  );
  if (row === undefined) return TenantEventTypes.BUILT_IN_ONLY;
  const own = new Map(Object.entries(row.types));
  return new TenantEventTypes(BigInt(row.version), own, { ...DEFAULT_VALIDATION, ...row.validation });
}

/** The schema of one version of a type of the tenant's own, as JSON; null when it has none. */
export async function readSchemaText(
  tenantId: string,
  type: { name: string; version: string },
  read: ReadRows,
): Promise<string | null> {
  const [row] = await read<{ schema: string | null }>(
    'SELECT schema FROM event_type_versions WHERE tenant_id = $1 AND name = $2 AND version = $3::integer',
    [tenantId, type.name, type.version],
  );
  return row?.schema ?? null;
}
