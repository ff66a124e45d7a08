import type { RetentionSession } from './retention-session';

/** A table with rows of tenants, as the catalog has it. */
export interface TenantTable {
  name: string;
  /** The table itself, or its partitions. */
  leaves: string[];
  isPartitioned: boolean;
  /** Whether an index leads to a tenant's rows. */
  hasTenantIndex: boolean;
}

const ROWS_PER_BATCH = 1_000;
const PAGES_PER_BATCH = 1_000;

/**
 * Every table that has a column `tenant_id`, those of later migrations included, in an order in which rows can be
 * deleted: what refers to another table comes before it.
 */
export async function listTenantTables(session: RetentionSession): Promise<TenantTable[]> {
  const { rows } = await session.query<{
    name: string;
    leaves: string[];
    partitioned: boolean;
    indexed: boolean;
    refers_to: string[];
  }>(`
    SELECT c.oid::regclass::text AS name, c.relkind = 'p' AS partitioned,
      ARRAY(SELECT tree.relid::regclass::text FROM pg_partition_tree(c.oid) tree WHERE tree.isleaf) AS leaves,
      EXISTS (SELECT FROM pg_index i WHERE i.indrelid = c.oid AND i.indkey[0] = a.attnum AND i.indpred IS NULL) AS indexed,
      ARRAY(SELECT f.confrelid::regclass::text FROM pg_constraint f WHERE f.conrelid = c.oid AND f.contype = 'f') AS refers_to
    FROM pg_class c JOIN pg_attribute a ON a.attrelid = c.oid AND a.attname = 'tenant_id' AND NOT a.attisdropped
    WHERE c.relkind IN ('r', 'p') AND NOT c.relispartition AND c.relnamespace = current_schema()::regnamespace ORDER BY 1`);
  const ordered: typeof rows = [];
  let left = rows;
  while (left.length > 0) {
    const next = left.filter(
      ({ name }) => !left.some((other) => other.name !== name && other.refers_to.includes(name)),
    );
    if (next.length === 0)
      throw new Error(`Tables refer to each other in a circle: ${left.map(({ name }) => name).join(', ')}`);
    ordered.push(...next);
    left = left.filter((table) => !next.includes(table));
  }
  return ordered.map(({ name, leaves, partitioned, indexed }) => ({
    name,
    leaves: partitioned ? leaves : [name],
    isPartitioned: partitioned,
    hasTenantIndex: indexed,
  }));
}

/** Deletes a tenant's rows of a table in small batches: along an index, else page by page, each page once. */
export async function deleteTenantRows(
  session: RetentionSession,
  tenantId: string,
  { leaves, hasTenantIndex }: TenantTable,
  deleted: (rows: number) => Promise<void>,
): Promise<void> {
  for (const leaf of leaves) {
    if (hasTenantIndex) await deleteByIndex(session, tenantId, leaf, deleted);
    else await deleteByPages(session, tenantId, leaf, deleted);
  }
}

async function deleteByIndex(
  session: RetentionSession,
  tenantId: string,
  leaf: string,
  deleted: (rows: number) => Promise<void>,
): Promise<void> {
  for (;;) {
    const count = await session.batch(async () => {
      const result = await session.query(
        `DELETE FROM ${leaf} WHERE tenant_id = $1 AND ctid = ANY (ARRAY(SELECT ctid FROM ${leaf} WHERE tenant_id = $1 LIMIT ${ROWS_PER_BATCH}))`,
        [tenantId],
      );
      await deleted(result.rowCount ?? 0);
      return result.rowCount ?? 0;
    });
    if (count === 0) return;
  }
}

async function deleteByPages(
  session: RetentionSession,
  tenantId: string,
  leaf: string,
  deleted: (rows: number) => Promise<void>,
): Promise<void> {
  const { rows } = await session.query<{ pages: number }>(
    `SELECT (pg_relation_size($1::regclass) / current_setting('block_size')::integer)::integer AS pages`,
    [leaf],
  );
  for (let page = 0; page < (rows[0]?.pages ?? 0); page += PAGES_PER_BATCH) {
    await session.batch(async () => {
      const result = await session.query(
        `DELETE FROM ${leaf} WHERE ctid >= '(${page},0)'::tid AND ctid < '(${page + PAGES_PER_BATCH},0)'::tid AND tenant_id = $1`,
        [tenantId],
      );
      await deleted(result.rowCount ?? 0);
    });
  }
}
