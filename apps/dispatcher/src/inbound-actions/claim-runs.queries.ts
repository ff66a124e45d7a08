import type { Pool, PoolClient } from 'pg';
import { inTransaction } from '#database/in-transaction';
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
  const answer = await pool.query<{ endpoint_id: string; tenant_id: string }>({
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
  return answer.rows.map((row) => ({ endpointId: row.endpoint_id, tenantId: row.tenant_id }));
}

interface WaitingRow {
  run_id: string;
  epoch: number;
}

interface RunRow {
  run_id: string;
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

/** Takes due runs, oldest first, and begins them; each goes to one dispatcher only. */
export async function claimRuns(pool: Pool, dispatcherId: string, rooms: EndpointRoom[]): Promise<ClaimedRun[]> {
  const rows = await inTransaction(pool, async (client) => {
    const waiting = await takeWaiting(client, dispatcherId, rooms);
    if (waiting.length === 0) return [];
    const begun = await begin(client, waiting);
    if (begun.length < waiting.length) await forget(client, waiting, begun);
    return begun;
  });
  return rows.map((row) => toClaimed(row, dispatcherId));
}

// An array, so that the rows are found by their ids: the planner, which does not know the rooms, else went through all.
async function takeWaiting(client: PoolClient, dispatcherId: string, rooms: EndpointRoom[]): Promise<WaitingRow[]> {
  const answer = await client.query<WaitingRow>({
    name: 'take-waiting-runs',
    text: `
      WITH me AS (
        SELECT id FROM dispatchers WHERE id = $1 FOR KEY SHARE
      ), picked AS (
        SELECT due.run_id FROM me CROSS JOIN unnest($2::uuid[], $3::integer[]) AS place(endpoint_id, room)
        CROSS JOIN LATERAL (
          SELECT run_id FROM waiting_inbound_actions w
          WHERE w.endpoint_id = place.endpoint_id AND w.owner IS NULL AND w.due_at <= now()
          ORDER BY w.due_at, w.run_id LIMIT place.room FOR UPDATE SKIP LOCKED) due
      )
      UPDATE waiting_inbound_actions w SET owner = $1, epoch = w.epoch + 1
      WHERE w.run_id = ANY(ARRAY(SELECT run_id FROM picked)) RETURNING w.run_id, w.epoch`,
    values: [dispatcherId, plainColumn(rooms, ({ endpointId }) => endpointId), plainColumn(rooms, ({ room }) => room)],
  });
  return answer.rows.sort((a, b) => (a.run_id < b.run_id ? -1 : 1));
}

// The action is the present one: what its owner has changed since the request counts.
async function begin(client: PoolClient, waiting: WaitingRow[]): Promise<RunRow[]> {
  const answer = await client.query<RunRow>({
    name: 'begin-runs',
    text: `
      WITH begun AS (
        UPDATE inbound_action_runs r SET status = 'running', started_at = coalesce(r.started_at, now()), next_attempt_at = NULL
        FROM unnest($1::uuid[], $2::integer[]) AS claimed(run_id, epoch)
        WHERE r.id = claimed.run_id AND r.id = ANY($1::uuid[]) AND r.id >= $3 AND r.id <= $4 AND r.status IN ('waiting', 'running')
        RETURNING r.id AS run_id, claimed.epoch, r.tenant_id, r.endpoint_id, r.request_id, r.action_id, r.type, r.attempts, r.result
      )
      SELECT b.run_id, b.epoch, b.tenant_id, b.endpoint_id, b.type, b.attempts, b.result AS previous,
        a.id AS action_id, a.settings, a.sealed_secrets, a.condition, a.retry_policy, a.webhook_id,
        e.name AS endpoint_name, e.project_id, e.body AS endpoint_body,
        q.id AS request_id, q.ip, q.method, q.query, q.headers, q.is_test, q.body_bytes, bodies.body
      FROM begun b
      LEFT JOIN inbound_endpoints e ON e.id = b.endpoint_id AND e.deleted_at IS NULL
      LEFT JOIN inbound_actions a ON a.id = b.action_id AND a.endpoint_id = e.id
      LEFT JOIN inbound_requests q ON q.id = b.request_id
      LEFT JOIN inbound_request_bodies bodies ON bodies.request_id = b.request_id
      ORDER BY b.run_id`,
    values: [
      plainColumn(waiting, (row) => row.run_id),
      plainColumn(waiting, (row) => row.epoch),
      waiting[0]?.run_id,
      waiting.at(-1)?.run_id,
    ],
  });
  return answer.rows;
}

/** Runs whose records retention took, or that were finished: nothing is left to be done. */
async function forget(client: PoolClient, waiting: WaitingRow[], begun: RunRow[]): Promise<void> {
  const known = new Set(begun.map((row) => row.run_id));
  const gone = waiting.map((row) => row.run_id).filter((runId) => !known.has(runId));
  await client.query('DELETE FROM waiting_inbound_actions WHERE run_id = ANY($1::uuid[])', [gone]);
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
