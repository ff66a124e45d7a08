import type { QueryResultRow } from 'pg';
import { uuidTimeMs } from '#kernel/ids';

/** The part of a `pg` pool or client used here. */
interface Queryable {
  query<R extends QueryResultRow>(text: string, values?: unknown[]): Promise<{ rows: R[] }>;
}

/** One week of one table. */
export interface Partition {
  name: string;
  table: string;
  /** The ids in it, half-open, and the instants (Unix ms) they are of. */
  fromId: string;
  untilId: string;
  fromMs: number;
  untilMs: number;
  /** Whether it is being detached: statements no longer see it. */
  isDetaching: boolean;
  /** With indexes. */
  bytes: number;
  /** As the database's own statistics have it; null before the first. */
  estimatedRows: number | null;
}

/** The comment that says that a table is on its way out: whoever finds it goes on where another was interrupted. */
export const DROP_MARK = 'to be dropped by retention';

/** All partitions, oldest first; reads the catalog and the sizes of files only. */
export async function listPartitions(queryable: Queryable): Promise<Partition[]> {
  const { rows } = await queryable.query<{
    name: string;
    table: string;
    bound: string;
    detaching: boolean;
    bytes: string | null;
    rows: number;
  }>(`
    SELECT c.relname AS name, p.relname AS table, pg_get_expr(c.relpartbound, c.oid) AS bound, i.inhdetachpending AS detaching,
      pg_total_relation_size(c.oid) AS bytes, c.reltuples AS rows
    FROM pg_inherits i JOIN pg_class c ON c.oid = i.inhrelid JOIN pg_class p ON p.oid = i.inhparent
    WHERE p.relkind = 'p' AND p.relnamespace = current_schema()::regnamespace AND c.relpartbound IS NOT NULL`);
  return rows
    .flatMap((row) => {
      const [, fromId, untilId] = /FROM \('([0-9a-f-]{36})'\) TO \('([0-9a-f-]{36})'\)/.exec(row.bound) ?? [];
      if (fromId === undefined || untilId === undefined || row.bytes === null) return [];
      return [
        {
          name: row.name,
          table: row.table,
          fromId,
          untilId,
          fromMs: uuidTimeMs(fromId),
          untilMs: uuidTimeMs(untilId),
          isDetaching: row.detaching,
          bytes: Number(row.bytes),
          estimatedRows: row.rows < 0 ? null : Math.round(row.rows),
        },
      ];
    })
    .sort((one, other) => one.fromMs - other.fromMs || one.table.localeCompare(other.table));
}
