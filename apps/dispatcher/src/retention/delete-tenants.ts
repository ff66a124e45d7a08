import type { Logger } from '#observability/logger';
import { formatId } from '#kernel/ids';
import type { RetentionSession } from './retention-session';
import { deleteDeliveries, deleteEvents } from './tenant-history.queries';
import { deleteTenantRows, listTenantTables, type TenantTable } from './tenant-tables.queries';

/** Requests that began before the tenant was deleted, and deliveries under way, are over by then. */
export const DELETION_GRACE_MS = 90_000;

const EVERYTHING = {
  fromId: '00000000-0000-0000-0000-000000000000',
  untilId: 'ffffffff-ffff-ffff-ffff-ffffffffffff',
};
const MAX_PASSES = 10;
/** Deleted along the indexes of deliveries and events; to look through them page by page would be reading all history. */
const HISTORY: ReadonlySet<string> = new Set([
  'attempt_responses',
  'event_payloads',
  'attempts',
  'deliveries',
  'events',
]);

/** Deletes every row of tenants that were deleted, in small batches; says in `tenant_deletions` how far it has come. */
export async function deleteTenants(session: RetentionSession, graceMs: number, logger: Logger): Promise<number> {
  const { rows } = await session.query<{ id: string }>(
    `SELECT id FROM tenants WHERE deleted_at < now() - make_interval(secs => $1 / 1000.0) ORDER BY deleted_at`,
    [graceMs],
  );
  for (const { id } of rows) {
    const count = await deleteTenant(session, id);
    logger.info({ tenant: formatId('tenant', id), rows: count }, 'deleted all rows of a tenant');
  }
  return rows.length;
}

async function deleteTenant(session: RetentionSession, tenantId: string): Promise<number> {
  await session.query('UPDATE tenant_deletions SET started_at = coalesce(started_at, now()) WHERE id = $1', [tenantId]);
  let total = 0;
  const notedAs =
    (step: string) =>
    async (rows: number): Promise<void> => {
      total += rows;
      await session.query('UPDATE tenant_deletions SET step = $2, rows_deleted = rows_deleted + $3 WHERE id = $1', [
        tenantId,
        step,
        rows,
      ]);
    };
  const deleteFrom = async (tables: TenantTable[]): Promise<void> => {
    for (const table of tables) await deleteTenantRows(session, tenantId, table, notedAs(table.name));
  };
  /** What others still wrote meanwhile, such as statistics that were being folded, is found by the next pass. */
  const deleteUntilNone = async (tables: TenantTable[]): Promise<void> => {
    for (let pass = 0; pass < MAX_PASSES; pass += 1) {
      const before = total;
      await deleteFrom(tables);
      if (total === before) return;
    }
    throw new Error('Rows of a deleted tenant are written faster than they are deleted');
  };
  // History first, along its indexes: what is left for the look through the tables is little.
  await deleteDeliveries(session, tenantId, 'everything', EVERYTHING, notedAs('deliveries'));
  await deleteEvents(session, tenantId, 'everything', EVERYTHING, new Set(), notedAs('events'));
  // These know their webhook only.
  for (const table of ['ordering_queues', 'webhook_leases']) {
    await session.query(
      `DELETE FROM ${table} WHERE webhook_id IN (SELECT id FROM webhooks WHERE tenant_id = $1 AND deleted_at IS NOT NULL)`,
      [tenantId],
    );
  }
  const tables = (await listTenantTables(session)).filter(({ name }) => !HISTORY.has(name));
  await deleteUntilNone(tables.filter(({ isPartitioned }) => !isPartitioned));
  await deleteFrom(tables.filter(({ isPartitioned }) => isPartitioned));
  await deleteUntilNone(tables.filter(({ isPartitioned }) => !isPartitioned));
  await session.transaction(0, async () => {
    await session.query('DELETE FROM tenants WHERE id = $1', [tenantId]);
    await session.query(`UPDATE tenant_deletions SET step = 'done', finished_at = now() WHERE id = $1`, [tenantId]);
  });
  return total;
}
