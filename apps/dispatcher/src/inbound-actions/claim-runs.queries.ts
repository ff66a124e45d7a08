import type { Pool } from 'pg';
import { plainColumn } from '#database/plain-array';
import type { ActionType } from '#inbound-actions/action-settings';
import type { ClaimedRun } from './inbound-work';

/** An endpoint of which a run is due. */
export interface DueEndpoint {
  tenantId: string;
  endpointId: string;
}

/** How many runs of an endpoint may begin. */
export interface EndpointRoom extends DueEndpoint {
  room: number;
}

/** Endpoints of which a run is due, found by jumping from one to the next in the index. */
export async function findDueEndpoints(pool: Pool, after: string | null, limit: number): Promise<DueEndpoint[]> {
  const result = await pool.query<{ endpoint_id: string; tenant_id: string }>({
    name: 'find-due-endpoints',
    text: `
      WITH RECURSIVE due AS (
        (SELECT endpoint_id, tenant_id, due_at FROM waiting_inbound_actions
         WHERE owner IS NULL AND endpoint_id > coalesce($1::uuid, '00000000-0000-0000-0000-000000000000')
         ORDER BY endpoint_id, due_at LIMIT 1)
        UNION ALL
        SELECT next.endpoint_id, next.tenant_id, next.due_at FROM due CROSS JOIN LATERAL (
          SELECT endpoint_id, tenant_id, due_at FROM waiting_inbound_actions w
          WHERE w.owner IS NULL AND w.endpoint_id > due.endpoint_id ORDER BY endpoint_id, due_at LIMIT 1) next
      )
      SELECT endpoint_id, tenant_id FROM due WHERE due_at <= now() LIMIT $2`,
    values: [after, limit],
  });
  return result.rows.map((row) => ({ endpointId: row.endpoint_id, tenantId: row.tenant_id }));
}

interface RunRow {
  run_id: string;
  /** Whether its record is there and not finished: retention may have taken it. */
  is_begun: boolean;
  epoch: number;
  tenant_id: string;
  endpoint_id: string;
  type: ActionType;
  attempts: number;
  previous: string | null;
  action_id: string | null;
  settings: Record<string, unknown>;
  sealed_secrets: Buffer | null;
  condition: string | null;
  retry_policy: unknown;
  webhook_id: string | null;
  endpoint_name: string;
  project_id: string | null;
  endpoint_body: Record<string, unknown>;
  request_id: string | null;
  ip: string;
  method: string;
  query: string;
  headers: string;
  is_test: boolean;
  /** An empty body has no row of its own. */
  body_bytes: number;
  body: Buffer | null;
}

// One statement, so one commit. Arrays, so that rows are found by their ids: the planner, which knows neither the rooms nor
// how many are taken, else went through all that waits, and all that ever ran. The ends of the ids leave out partitions as
// the statement runs. The action is the present one: what its owner has changed since the request counts.
const CLAIM = `
WITH me AS (
  SELECT id FROM dispatchers WHERE id = $1 FOR KEY SHARE
), picked AS (
  SELECT due.run_id FROM me CROSS JOIN unnest($2::uuid[], $3::integer[]) AS place(endpoint_id, room)
  CROSS JOIN LATERAL (
    SELECT run_id FROM waiting_inbound_actions w
    WHERE w.endpoint_id = place.endpoint_id AND w.owner IS NULL AND w.due_at <= now()
    ORDER BY w.due_at, w.run_id LIMIT place.room FOR UPDATE SKIP LOCKED) due
), taken AS (
  UPDATE waiting_inbound_actions w SET owner = $1, epoch = w.epoch + 1
  WHERE w.run_id = ANY(ARRAY(SELECT run_id FROM picked)) RETURNING w.run_id, w.epoch
), begun AS (
  UPDATE inbound_action_runs r SET status = 'running', started_at = coalesce(r.started_at, now()), next_attempt_at = NULL
  WHERE r.id = ANY(ARRAY(SELECT run_id FROM taken)) AND r.status IN ('waiting', 'running')
    AND r.id >= (SELECT run_id FROM taken ORDER BY run_id LIMIT 1) AND r.id <= (SELECT run_id FROM taken ORDER BY run_id DESC LIMIT 1)
  RETURNING r.id, r.tenant_id, r.endpoint_id, r.request_id, r.action_id, r.type, r.attempts, r.result
)
SELECT t.run_id, t.epoch, b.id IS NOT NULL AS is_begun, b.tenant_id, b.endpoint_id, b.type, b.attempts, b.result AS previous,
  a.id AS action_id, a.settings, a.sealed_secrets, a.condition, a.retry_policy, a.webhook_id,
  e.name AS endpoint_name, e.project_id, e.body AS endpoint_body,
  q.id AS request_id, q.ip, q.method, q.query, q.headers, q.is_test, q.body_bytes, bodies.body
FROM taken t
LEFT JOIN begun b ON b.id = t.run_id
LEFT JOIN inbound_endpoints e ON e.id = b.endpoint_id AND e.deleted_at IS NULL
LEFT JOIN inbound_actions a ON a.id = b.action_id AND a.endpoint_id = e.id
LEFT JOIN LATERAL (
  SELECT id, ip, method, query, headers, is_test, body_bytes FROM inbound_requests WHERE id = b.request_id OFFSET 0) q ON true
LEFT JOIN LATERAL (SELECT body FROM inbound_request_bodies WHERE request_id = b.request_id OFFSET 0) bodies ON true
ORDER BY t.run_id`;

/** Takes due runs, oldest first, and begins them; each goes to one dispatcher only. */
export async function claimRuns(pool: Pool, dispatcherId: string, rooms: EndpointRoom[]): Promise<ClaimedRun[]> {
  const { rows } = await pool.query<RunRow>({
    name: 'claim-runs',
    text: CLAIM,
    values: [dispatcherId, plainColumn(rooms, ({ endpointId }) => endpointId), plainColumn(rooms, ({ room }) => room)],
  });
  // Nothing is left to be done of those whose records retention took, or that were finished.
  const gone = rows.filter((row) => !row.is_begun).map((row) => row.run_id);
  if (gone.length > 0) await pool.query('DELETE FROM waiting_inbound_actions WHERE run_id = ANY($1::uuid[])', [gone]);
  return rows.filter((row) => row.is_begun).map((row) => toClaimed(row, dispatcherId));
}

function toClaimed(row: RunRow, owner: string): ClaimedRun {
  return {
    work: {
      runId: row.run_id,
      owner,
      epoch: row.epoch,
      tenantId: row.tenant_id,
      endpointId: row.endpoint_id,
      type: row.type,
      attempts: row.attempts,
    },
    previous: row.previous,
    action:
      row.action_id === null
        ? null
        : {
            id: row.action_id,
            settings: row.settings,
            sealedSecrets: row.sealed_secrets,
            condition: row.condition,
            retryPolicy: row.retry_policy,
            webhookId: row.webhook_id,
            endpoint: { name: row.endpoint_name, projectId: row.project_id, body: row.endpoint_body },
          },
    request:
      row.request_id === null || (row.body === null && row.body_bytes > 0)
        ? null
        : {
            id: row.request_id,
            ip: row.ip,
            method: row.method,
            query: row.query,
            headers: row.headers,
            isTest: row.is_test,
            body: row.body ?? Buffer.alloc(0),
          },
  };
}
