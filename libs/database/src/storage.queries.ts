import type { QueryResultRow } from 'pg';

interface Queryable {
  query<R extends QueryResultRow>(text: string, values?: unknown[]): Promise<{ rows: R[] }>;
}

/** A table as the catalog has it; a partitioned one with all its partitions. */
export interface TableSize {
  name: string;
  bytes: number;
  /** As the database's own statistics have it; null before the first. */
  estimatedRows: number | null;
}

/** Every table, BullMQ's too, the largest first. Nothing is counted: files are measured, and estimates taken from the catalog. */
export async function readTableSizes(queryable: Queryable): Promise<TableSize[]> {
  const { rows } = await queryable.query<{ name: string; bytes: string; rows: number }>(`
    SELECT root.name, sum(coalesce(pg_total_relation_size(leaf.oid), 0)) AS bytes,
      CASE WHEN bool_or(leaf.reltuples >= 0) THEN sum(greatest(leaf.reltuples, 0)) ELSE -1 END AS rows
    FROM (
      SELECT oid, CASE WHEN relnamespace = current_schema()::regnamespace THEN relname ELSE relnamespace::regnamespace || '.' || relname END AS name
      FROM pg_class
      WHERE relkind IN ('r', 'p') AND NOT relispartition AND relnamespace::regnamespace::text IN (current_schema(), 'bullmq')
    ) root
    CROSS JOIN LATERAL (
      SELECT root.oid AS relid WHERE NOT EXISTS (SELECT FROM pg_inherits WHERE inhparent = root.oid)
      UNION ALL SELECT inhrelid FROM pg_inherits WHERE inhparent = root.oid) member
    JOIN pg_class leaf ON leaf.oid = member.relid
    GROUP BY root.name ORDER BY 2 DESC, 1`);
  return rows.map((row) => ({
    name: row.name,
    bytes: Number(row.bytes),
    estimatedRows: row.rows < 0 ? null : Math.round(row.rows),
  }));
}
