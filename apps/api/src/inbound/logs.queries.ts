import type { EntityManager } from 'typeorm';
import { deliveryUuidRange, firstUuidAt } from '#kernel/ids';
import { toRunResult, type RunResult, type RunRow } from './receive/run-results';
import type { RequestStatus } from './receive/received-request';

/** A request in the log. */
export interface LogRow {
  id: string;
  status: RequestStatus;
  code: string;
  steps: string;
  is_test: boolean;
  replay_of: string | null;
  duplicate_of: string | null;
  ip: string;
  method: string;
  path: string;
  query: string;
  headers: string;
  content_type: string | null;
  body_bytes: number;
  response_status: number;
  response_headers: string | null;
  response_body: string | null;
}

/** A run in the log, with when it began and ended. */
export interface LoggedRun extends RunResult {
  nextAttemptAt: Date | null;
  startedAt: Date | null;
  finishedAt: Date | null;
}

export interface LogFilter {
  limit: number;
  status?: RequestStatus | undefined;
  since?: Date | undefined;
  until?: Date | undefined;
  /** UUID of the request behind which the page begins. */
  after?: string | undefined;
}

const COLUMNS = `id, status, code, steps, is_test, replay_of, duplicate_of, ip, method, path, query, headers, content_type, body_bytes,
  response_status, response_headers, response_body`;

/** Requests of an endpoint, newest first, among the newest that its log may hold. */
export function readLog(
  manager: EntityManager,
  tenantId: string,
  endpoint: { id: string; maxLogEntries: number },
  filter: LogFilter,
): Promise<LogRow[]> {
  const values: unknown[] = [tenantId, endpoint.id, filter.limit, endpoint.maxLogEntries];
  const conditions: string[] = [];
  const add = (condition: string, value: unknown): void => {
    values.push(value);
    conditions.push(`AND ${condition.replace('?', `$${values.length}`)}`);
  };
  if (filter.status !== undefined) add('status = ?', filter.status);
  if (filter.since !== undefined) add('id >= ?', firstUuidAt(filter.since.getTime()));
  if (filter.until !== undefined) add('id < ?', firstUuidAt(filter.until.getTime()));
  if (filter.after !== undefined) add('id < ?', filter.after);
  // The log is cut to its limit a little later; until then the oldest are passed over here.
  return manager.query<LogRow[]>(
    `SELECT ${COLUMNS} FROM inbound_requests
     WHERE tenant_id = $1 AND endpoint_id = $2 ${conditions.join(' ')}
       AND id >= coalesce((SELECT id FROM inbound_requests WHERE tenant_id = $1 AND endpoint_id = $2
         ORDER BY id DESC OFFSET greatest($4::integer - 1, 0) LIMIT 1), '00000000-0000-0000-0000-000000000000') AND $4::integer > 0
     ORDER BY id DESC LIMIT $3`,
    values,
  );
}

/** One request of an endpoint, or null. */
export async function findRequest(
  manager: EntityManager,
  tenantId: string,
  endpointId: string,
  id: string,
): Promise<LogRow | null> {
  const [row] = await manager.query<LogRow[]>(
    `SELECT ${COLUMNS} FROM inbound_requests WHERE tenant_id = $1 AND endpoint_id = $2 AND id = $3`,
    [tenantId, endpointId, id],
  );
  return row ?? null;
}

/** The received bytes of requests; those without any, or of which they are no longer kept, are missing. */
export async function readBodies(
  manager: EntityManager,
  tenantId: string,
  requestIds: string[],
): Promise<Map<string, Buffer>> {
  if (requestIds.length === 0) return new Map();
  const rows = await manager.query<{ request_id: string; body: Buffer }[]>(
    'SELECT request_id, body FROM inbound_request_bodies WHERE tenant_id = $1 AND request_id = ANY ($2::uuid[])',
    [tenantId, requestIds],
  );
  return new Map(rows.map((row) => [row.request_id, row.body]));
}

/** The runs of requests, in the order of the actions. `OFFSET 0` has those of each request looked up by the range of their ids. */
export async function readRuns(
  manager: EntityManager,
  tenantId: string,
  requestIds: string[],
): Promise<Map<string, LoggedRun[]>> {
  const runs = new Map<string, LoggedRun[]>();
  if (requestIds.length === 0) return runs;
  const ranges = requestIds.map(deliveryUuidRange);
  type Row = RunRow & {
    request_id: string;
    next_attempt_at: Date | null;
    started_at: Date | null;
    finished_at: Date | null;
  };
  const rows = await manager.query<Row[]>(
    `SELECT r.request_id, r.id, r.action_id, r.type, r.status, r.attempts, r.result, r.error, r.next_attempt_at, r.started_at, r.finished_at
     FROM unnest($2::uuid[], $3::uuid[], $4::uuid[]) AS wanted(request_id, first, last)
     CROSS JOIN LATERAL (
       SELECT * FROM inbound_action_runs
       WHERE id BETWEEN wanted.first AND wanted.last AND request_id = wanted.request_id AND tenant_id = $1 OFFSET 0) r
     ORDER BY r.position, r.action_id`,
    [tenantId, requestIds, ranges.map(({ first }) => first), ranges.map(({ last }) => last)],
  );
  for (const row of rows) {
    const of = runs.get(row.request_id) ?? [];
    of.push({
      ...toRunResult(row),
      nextAttemptAt: row.next_attempt_at,
      startedAt: row.started_at,
      finishedAt: row.finished_at,
    });
    runs.set(row.request_id, of);
  }
  return runs;
}

/** A record that a log action wrote. */
export interface RecordRow {
  id: string;
  request_id: string;
  data: string;
  created_at: Date;
}

/** Records of a table, newest first. @param after UUID of the record behind which the page begins. */
export function readRecords(
  manager: EntityManager,
  tenantId: string,
  endpointId: string,
  table: string,
  filter: Pick<LogFilter, 'limit' | 'since' | 'until' | 'after'>,
): Promise<RecordRow[]> {
  return manager.query<RecordRow[]>(
    `SELECT id, request_id, data, created_at FROM inbound_records
     WHERE tenant_id = $1 AND endpoint_id = $2 AND table_name = $3 AND id < $4 AND id >= $5 AND id < $6
     ORDER BY id DESC LIMIT $7`,
    [
      tenantId,
      endpointId,
      table,
      filter.after ?? LAST_UUID,
      filter.since === undefined ? FIRST_UUID : firstUuidAt(filter.since.getTime()),
      filter.until === undefined ? LAST_UUID : firstUuidAt(filter.until.getTime()),
      filter.limit,
    ],
  );
}

const FIRST_UUID = '00000000-0000-0000-0000-000000000000';
const LAST_UUID = 'ffffffff-ffff-ffff-ffff-ffffffffffff';
