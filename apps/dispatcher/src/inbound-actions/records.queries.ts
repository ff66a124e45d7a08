import type { Pool } from 'pg';
import { textArray } from '#database/binary-arrays';
import { plainColumn } from '#database/plain-array';

/** What a log action writes. */
export interface NewRecord {
  runId: string;
  tenantId: string;
  endpointId: string;
  table: string;
  requestId: string;
  /** JSON. */
  data: string;
}

/** Keeps the records of runs; doing it twice keeps one of each. */
export async function insertRecords(pool: Pool, records: NewRecord[]): Promise<void> {
  await pool.query({
    name: 'insert-inbound-records',
    text: `INSERT INTO inbound_records (id, tenant_id, endpoint_id, table_name, request_id, data)
           SELECT * FROM unnest($1::uuid[], $2::uuid[], $3::uuid[], $4::text[], $5::uuid[], $6::text[])
           ON CONFLICT (id) DO NOTHING`,
    values: [
      plainColumn(records, ({ runId }) => runId),
      plainColumn(records, ({ tenantId }) => tenantId),
      plainColumn(records, ({ endpointId }) => endpointId),
      textArray(records.map(({ table }) => table)),
      plainColumn(records, ({ requestId }) => requestId),
      textArray(records.map(({ data }) => data)),
    ],
  });
}

/** Deletes what a table holds beyond its newest `maxRecords`. @returns how many went. */
export async function trimTable(
  pool: Pool,
  table: { tenantId: string; endpointId: string; table: string; maxRecords: number },
): Promise<number> {
  const result = await pool.query({
    name: 'trim-inbound-table',
    text: `
      DELETE FROM inbound_records WHERE tenant_id = $1 AND endpoint_id = $2 AND table_name = $3 AND id < (
        SELECT id FROM inbound_records WHERE endpoint_id = $2 AND table_name = $3 ORDER BY id DESC OFFSET $4 - 1 LIMIT 1)`,
    values: [table.tenantId, table.endpointId, table.table, table.maxRecords],
  });
  return result.rowCount ?? 0;
}
