import type { Query } from './sql-database';

/** A received request as it is stored. */
export interface RequestRow {
  /** UUIDv7: requests sort by it. */
  id: string;
  endpoint_id: string;
  status: string;
  code: string;
  /** JSON of the verdict's steps. */
  steps: string;
  is_test: number;
  /** 0: the body goes once the actions are done. */
  keeps_body: number;
  ip: string;
  method: string;
  /** As received, secret values masked. */
  query: string;
  /** JSON, secret ones masked. */
  headers: string;
  body: Buffer | null;
  /** JSON: what was answered. */
  response: string;
  received_at: number;
}

export interface SeenKeys {
  endpointId: string;
  keys: readonly string[];
  requestId: string;
  nowMs: number;
}

export type Claim =
  | { readonly kind: 'ours' }
  /** Acted on before, or being handled just now. */
  | { readonly kind: 'duplicate' | 'in_progress'; readonly requestId: string };

/** Thrown within a transaction, so that what it wrote before is undone. */
export class AlreadySeen extends Error {
  constructor(readonly claim: Exclude<Claim, { kind: 'ours' }>) {
    super('The delivery was seen before');
  }
}

/**
 * Takes the keys of a delivery for a request: for good (until `untilMs`), or while it is being handled.
 * @throws AlreadySeen when another request has one of them.
 */
export async function takeKeys(query: Query, seen: SeenKeys, untilMs: number, isClaim: boolean): Promise<void> {
  const { endpointId, requestId, nowMs } = seen;
  for (const key of seen.keys) {
    const taken = await query(
      `INSERT INTO webhook_manager_seen AS s (endpoint_id, seen_key, request_id, is_claim, expires_at)
       VALUES ($1, $2, $3, $4, $5)
       ON CONFLICT (endpoint_id, seen_key) DO UPDATE
         SET request_id = excluded.request_id, is_claim = excluded.is_claim, expires_at = excluded.expires_at
         WHERE s.expires_at <= $6 OR s.request_id = excluded.request_id
       RETURNING request_id`,
      [endpointId, key, requestId, isClaim ? 1 : 0, untilMs, nowMs],
    );
    if (taken.length > 0) continue;
    const [other] = await query<{ request_id: string; is_claim: number }>(
      `SELECT request_id, is_claim FROM webhook_manager_seen WHERE endpoint_id = $1 AND seen_key = $2`,
      [endpointId, key],
    );
    const kind = other === undefined || other.is_claim === 1 ? 'in_progress' : 'duplicate';
    throw new AlreadySeen({ kind, requestId: other?.request_id ?? requestId });
  }
}

/** Gives back what a request took and did not act on. */
export async function releaseKeys(query: Query, { endpointId, keys, requestId }: SeenKeys): Promise<void> {
  for (const key of keys) {
    await query(`DELETE FROM webhook_manager_seen WHERE endpoint_id = $1 AND seen_key = $2 AND request_id = $3`, [
      endpointId,
      key,
      requestId,
    ]);
  }
}

export async function insertRequest(query: Query, row: RequestRow): Promise<void> {
  await query(
    `INSERT INTO webhook_manager_requests (id, endpoint_id, status, code, steps, is_test, keeps_body, ip, method, query,
       headers, body, response, received_at)
     VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14)`,
    [
      ...[row.id, row.endpoint_id, row.status, row.code, row.steps, row.is_test, row.keeps_body, row.ip, row.method],
      ...[row.query, row.headers, row.body, row.response, row.received_at],
    ],
  );
}

/** False when the endpoint is gone. */
export async function countTrigger(query: Query, endpointId: string, nowMs: number): Promise<boolean> {
  const counted = await query(
    `UPDATE webhook_manager_endpoints SET trigger_count = trigger_count + 1, last_trigger_at = $2
     WHERE id = $1 RETURNING id`,
    [endpointId, nowMs],
  );
  return counted.length > 0;
}

export async function findRequest(query: Query, id: string): Promise<RequestRow | null> {
  const [row] = await query<RequestRow>(`SELECT * FROM webhook_manager_requests WHERE id = $1`, [id]);
  return row ?? null;
}

/** The newest first. @param status null for any. */
export function listRequests(
  query: Query,
  endpointId: string,
  { limit, sinceMs, status }: { limit: number; sinceMs: number; status: string | null },
): Promise<RequestRow[]> {
  return query<RequestRow>(
    `SELECT * FROM webhook_manager_requests WHERE endpoint_id = $1 AND received_at >= $2
       AND status = coalesce($3, status) ORDER BY id DESC LIMIT $4`,
    [endpointId, sinceMs, status, limit],
  );
}

/** Cuts the log of an endpoint to its newest entries; one whose actions are not done stays. */
export async function trimRequests(query: Query, endpointId: string, keep: number): Promise<void> {
  const [oldest] = await query<{ id: string }>(
    `SELECT id FROM webhook_manager_requests WHERE endpoint_id = $1 ORDER BY id DESC LIMIT 1 OFFSET $2`,
    [endpointId, Math.max(0, keep - 1)],
  );
  if (oldest === undefined) return;
  await query(
    `DELETE FROM webhook_manager_requests WHERE endpoint_id = $1 AND id < $2 AND NOT EXISTS (
       SELECT 1 FROM webhook_manager_runs r
       WHERE r.request_id = webhook_manager_requests.id AND r.status IN ('waiting', 'running'))`,
    [endpointId, oldest.id],
  );
  await query(
    `DELETE FROM webhook_manager_runs WHERE endpoint_id = $1 AND request_id < $2
       AND status NOT IN ('waiting', 'running')`,
    [endpointId, oldest.id],
  );
}

/** What time has made superfluous: keys that expired, and bodies not to be kept whose last two actions ended at once. */
export async function tidy(query: Query, nowMs: number): Promise<void> {
  await query(`DELETE FROM webhook_manager_seen WHERE expires_at <= $1`, [nowMs]);
  await query(
    `UPDATE webhook_manager_requests SET body = NULL WHERE keeps_body = 0 AND body IS NOT NULL AND NOT EXISTS (
       SELECT 1 FROM webhook_manager_runs r
       WHERE r.request_id = webhook_manager_requests.id AND r.status IN ('waiting', 'running'))`,
  );
}

export async function insertRecord(
  query: Query,
  record: { id: string; endpointId: string; table: string; requestId: string; data: string; createdAtMs: number },
): Promise<void> {
  const { id, endpointId, table, requestId, data, createdAtMs } = record;
  await query(
    `INSERT INTO webhook_manager_records (id, endpoint_id, table_name, request_id, data, created_at)
     VALUES ($1, $2, $3, $4, $5, $6) ON CONFLICT DO NOTHING`,
    [id, endpointId, table, requestId, data, createdAtMs],
  );
}

export async function trimRecords(query: Query, endpointId: string, table: string, keep: number): Promise<void> {
  await query(
    `DELETE FROM webhook_manager_records WHERE endpoint_id = $1 AND table_name = $2 AND id <= (
       SELECT id FROM webhook_manager_records WHERE endpoint_id = $1 AND table_name = $2
       ORDER BY id DESC LIMIT 1 OFFSET $3)`,
    [endpointId, table, keep],
  );
}

export interface RecordRow {
  request_id: string;
  data: string;
  created_at: number;
}

/** The newest first. */
export function listRecords(query: Query, endpointId: string, table: string, limit: number): Promise<RecordRow[]> {
  return query<RecordRow>(
    `SELECT request_id, data, created_at FROM webhook_manager_records
     WHERE endpoint_id = $1 AND table_name = $2 ORDER BY id DESC LIMIT $3`,
    [endpointId, table, limit],
  );
}
