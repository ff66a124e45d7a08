import { DROP_MARK, listPartitions } from '#database/partitions.queries';
import type { RetentionSession } from './retention-session';

/**
 * Drops a partition without making anybody wait for more than the looking up of a table: detached concurrently, it is
 * seen by no new statement, and only then locked and dropped. The mark is set first, so that an interruption at any
 * point leaves something that {@link finishDrops} recognises.
 */
export async function dropPartition(session: RetentionSession, table: string, partition: string): Promise<void> {
  await session.query(`COMMENT ON TABLE ${quote(partition)} IS '${DROP_MARK}'`);
  await session.query(`ALTER TABLE ${quote(table)} DETACH PARTITION ${quote(partition)} CONCURRENTLY`);
  await session.query(`DROP TABLE ${quote(partition)}`);
}

/** Ends what was interrupted, by a crash or by a lock that others held for too long. @returns the tables dropped. */
export async function finishDrops(session: RetentionSession): Promise<string[]> {
  for (const { name, table, isDetaching } of await listPartitions(session)) {
    if (isDetaching) await session.query(`ALTER TABLE ${quote(table)} DETACH PARTITION ${quote(name)} FINALIZE`);
  }
  const { rows } = await session.query<{ name: string }>(
    `SELECT relname AS name FROM pg_class
     WHERE relkind = 'r' AND NOT relispartition AND relnamespace = current_schema()::regnamespace AND obj_description(oid, 'pg_class') = $1`,
    [DROP_MARK],
  );
  for (const { name } of rows) await session.query(`DROP TABLE ${quote(name)}`);
  return rows.map(({ name }) => name);
}

/** How long the rewriting of a partition may make others wait for its lock, each time it is tried. */
const REWRITE_LOCK_MS = 100;

/**
 * Leaves only these rows in a partition and gives the rest of its room back, in one commit. Whoever wants to read the
 * partition waits meanwhile, so it is for few rows.
 * @param column the partition's key.
 */
export async function keepOnly(
  session: RetentionSession,
  partition: string,
  column: string,
  ids: string[],
): Promise<void> {
  const kept = quote(`${partition}_kept`);
  await session.transaction(REWRITE_LOCK_MS, async () => {
    await session.query(`LOCK TABLE ${quote(partition)} IN ACCESS EXCLUSIVE MODE`);
    await session.query(
      `CREATE TABLE ${kept} AS SELECT * FROM ${quote(partition)} WHERE ${quote(column)} = ANY ('{${ids.join(',')}}'::uuid[])`,
    );
    await session.query(`TRUNCATE ${quote(partition)}`);
    await session.query(`INSERT INTO ${quote(partition)} SELECT * FROM ${kept}`);
    await session.query(`DROP TABLE ${kept}`);
  });
  await session.query(`ANALYZE ${quote(partition)}`);
}

/** Names come from the catalog, not from people; quoted all the same. */
function quote(name: string): string {
  return `"${name.replaceAll('"', '""')}"`;
}
