import type { Pool } from 'pg';

/** Keeps a record of a run; doing it twice keeps one. */
export async function insertRecord(
  pool: Pool,
  record: { runId: string; tenantId: string; endpointId: string; table: string; requestId: string; data: string },
): Promise<void> {
  await pool.query({
    name: 'insert-inbound-record',
    text: `INSERT INTO inbound_records (id, tenant_id, endpoint_id, table_name, request_id, data) VALUES ($1, $2, $3, $4, $5, $6)
           ON CONFLICT (id) DO NOTHING`,
    values: [record.runId, record.tenantId, record.endpointId, record.table, record.requestId, record.data],
  });
}

/** Deletes what a table holds beyond its newest `maxRecords`. @returns how many went. */
export async function trimTable(
  pool: Pool,
  table: { tenantId: string; endpointId: string; table: string; maxRecords: number },
): Promise<number> {
  const answer = await pool.query({
    name: 'trim-inbound-table',
    text: `
      DELETE FROM inbound_records WHERE tenant_id = $1 AND endpoint_id = $2 AND table_name = $3 AND id < (
        SELECT id FROM inbound_records WHERE endpoint_id = $2 AND table_name = $3 ORDER BY id DESC OFFSET $4 - 1 LIMIT 1)`,
    values: [table.tenantId, table.endpointId, table.table, table.maxRecords],
  });
  return answer.rowCount ?? 0;
}
