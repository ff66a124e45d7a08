import type { EntityManager } from 'typeorm';
import type { SchemaValidation } from '#accept/schema-validation';

/** An event type of a tenant's own, with one of its versions. */
export interface EventTypeRow {
  name: string;
  description: string;
  /** The newest. */
  version: number;
  created_at: Date;
  updated_at: Date;
  archived_at: Date | null;
  /** JSON; null where the version has none. */
  schema: string | null;
  example: string | null;
}

export interface EventTypeFilter {
  archived: boolean;
  /** Only names that begin with this; empty for all. */
  prefix: string;
  /** Only this name. */
  name: string | null;
}

const COLUMNS = 't.name, t.description, t.version, t.created_at, t.updated_at, t.archived_at, v.schema, v.example';

/**
 * Tells all instances that event types change in this transaction. To be called first: it also keeps two changes of one
 * tenant from running at the same time.
 */
export async function bumpEventTypesVersion(manager: EntityManager, tenantId: string): Promise<void> {
  // The instances compare with the database's clock as it stands, not with the transaction's beginning.
  await manager.query(
    'UPDATE tenants SET event_types_version = event_types_version + 1, changed_at = clock_timestamp() WHERE id = $1',
    [tenantId],
  );
}

export async function writeValidation(
  manager: EntityManager,
  tenantId: string,
  validation: SchemaValidation,
): Promise<void> {
  await manager.query('UPDATE tenants SET schema_validation = $2 WHERE id = $1', [tenantId, validation]);
}

/** An own type, archived ones included, with its newest version or the one that is asked for; null when there is none. */
export async function findEventType(
  manager: EntityManager,
  tenantId: string,
  name: string,
  version: number | null = null,
): Promise<EventTypeRow | null> {
  const rows = await manager.query<EventTypeRow[]>(
    `SELECT ${COLUMNS} FROM event_types t JOIN event_type_versions v USING (tenant_id, name)
     WHERE t.tenant_id = $1 AND t.name = $2 AND v.version = coalesce($3, t.version)`,
    [tenantId, name, version],
  );
  return rows[0] ?? null;
}

/** One page of own types by name, and how many there are. */
export async function listEventTypes(
  manager: EntityManager,
  tenantId: string,
  filter: EventTypeFilter,
  page: { limit: number; offset: number },
): Promise<{ rows: EventTypeRow[]; total: number }> {
  const where = `t.tenant_id = $1 AND (t.archived_at IS NOT NULL) = $2 AND starts_with(t.name, $3) AND ($4::text IS NULL OR t.name = $4)`;
  const values = [tenantId, filter.archived, filter.prefix, filter.name];
  const [counted] = await manager.query<{ total: number }[]>(
    `SELECT count(*)::integer AS total FROM event_types t WHERE ${where}`,
    values,
  );
  const total = counted?.total ?? 0;
  if (page.limit === 0 || page.offset >= total) return { rows: [], total };
  const rows = await manager.query<EventTypeRow[]>(
    `SELECT ${COLUMNS} FROM event_types t JOIN event_type_versions v USING (tenant_id, name, version)
     WHERE ${where} ORDER BY t.name LIMIT $5 OFFSET $6`,
    [...values, page.limit, page.offset],
  );
  return { rows, total };
}

/** How many own types there are, archived ones included and without them. */
export async function countEventTypes(
  manager: EntityManager,
  tenantId: string,
): Promise<{ all: number; present: number }> {
  const [counts] = await manager.query<{ all: number; present: number }[]>(
    `SELECT count(*)::integer AS all, count(*) FILTER (WHERE archived_at IS NULL)::integer AS present
     FROM event_types WHERE tenant_id = $1`,
    [tenantId],
  );
  return counts ?? { all: 0, present: 0 };
}

/** A type as it is to stand from now on; archived ones come back. */
export async function writeEventType(
  manager: EntityManager,
  tenantId: string,
  type: { name: string; description: string; version: number },
): Promise<void> {
  await manager.query(
    `INSERT INTO event_types (tenant_id, name, description, version) VALUES ($1, $2, $3, $4)
     ON CONFLICT (tenant_id, name) DO UPDATE
       SET description = excluded.description, version = excluded.version, updated_at = now(), archived_at = NULL`,
    [tenantId, type.name, type.description, type.version],
  );
}

export async function insertVersion(
  manager: EntityManager,
  tenantId: string,
  version: { name: string; version: number; schema: string | null; example: string | null },
): Promise<void> {
  await manager.query(
    'INSERT INTO event_type_versions (tenant_id, name, version, schema, example) VALUES ($1, $2, $3, $4, $5)',
    [tenantId, version.name, version.version, version.schema, version.example],
  );
}

/** The example is the only part of a version that may change. */
export async function writeExample(
  manager: EntityManager,
  tenantId: string,
  version: { name: string; version: number; example: string | null },
): Promise<void> {
  await manager.query(
    'UPDATE event_type_versions SET example = $4 WHERE tenant_id = $1 AND name = $2 AND version = $3',
    [tenantId, version.name, version.version, version.example],
  );
}

export async function archiveEventType(manager: EntityManager, tenantId: string, name: string): Promise<Date> {
  // TypeORM answers an UPDATE with the rows and how many they are.
  const [[row]]: [{ archived_at: Date }[], number] = await manager.query(
    `UPDATE event_types SET archived_at = now(), updated_at = now() WHERE tenant_id = $1 AND name = $2
     RETURNING archived_at`,
    [tenantId, name],
  );
  if (row === undefined) throw new Error('The event type to archive is gone');
  return row.archived_at;
}
