import type { Pool } from 'pg';
import { sealJson } from '#database/inbound-secrets';
import { createSecretBox } from '#database/secret-box';
import { deliveryUuid, newUuid, parseId } from '#kernel/ids';
import { ENCRYPTION_KEY } from './insert-webhook';

const box = createSecretBox([Buffer.from(ENCRYPTION_KEY, 'base64')]);

export interface ActionValues {
  type: 'notify' | 'forward' | 'log' | 'execute' | 'custom';
  settings?: object;
  secrets?: object;
  condition?: string;
  retryPolicy?: object;
  webhookId?: string;
}

export interface TestEndpoint {
  id: string;
  /** UUIDs, in the order of the actions. */
  actionIds: string[];
  /** Writes an accepted request with its runs, as receiving one does; @returns the ids of the runs. */
  accept(request?: RequestValues): Promise<{ requestId: string; runIds: string[] }>;
}

export interface RequestValues {
  body?: object | string | Buffer;
  headers?: Record<string, string>;
  query?: string;
  method?: string;
}

/** A policy quick enough for tests. */
export const QUICK_RETRY = { max_attempts: 3, backoff_strategy: 'fixed', initial_delay: 50, max_delay: 60_000 };

/** Writes an endpoint with actions as the API does; no secret, any request is acceptable. */
export async function insertEndpoint(
  pool: Pool,
  tenantId: string,
  actions: ActionValues[],
  body: object = {},
): Promise<TestEndpoint> {
  const id = newUuid(Date.now());
  const tenant = parseId('tenant', tenantId);
  await pool.query(
    `INSERT INTO inbound_endpoints (id, tenant_id, name, url_key, signature, sealed_secrets, body) VALUES ($1, $2, $3, $4, $5, $6, $7)`,
    [id, tenant, `e-${id}`, id, { scheme: 'none' }, sealJson(box, 'inbound_endpoint:secrets', id, []), body],
  );
  const made: { id: string; type: string }[] = [];
  for (const [position, action] of actions.entries()) {
    const actionId = newUuid(Date.now());
    made.push({ id: actionId, type: action.type });
    await pool.query(
      `INSERT INTO inbound_actions (id, tenant_id, endpoint_id, position, type, settings, sealed_secrets, condition, retry_policy, webhook_id)
       VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10)`,
      [
        actionId,
        tenant,
        id,
        position,
        action.type,
        action.settings ?? {},
        action.secrets === undefined ? null : sealJson(box, 'inbound_action:secrets', actionId, action.secrets),
        action.condition ?? null,
        action.retryPolicy ?? null,
        action.webhookId ?? null,
      ],
    );
  }
  return {
    id,
    actionIds: made.map((action) => action.id),
    async accept({ body: content = {}, headers = {}, query = '', method = 'POST' } = {}) {
      const requestId = newUuid(Date.now());
      const bytes = toBytes(content);
      const runIds = made.map((action) => deliveryUuid(requestId, action.id));
      await pool.query(
        `WITH request AS (
           INSERT INTO inbound_requests (id, tenant_id, endpoint_id, status, code, steps, ip, method, path, query, headers, body_bytes, response_status)
           VALUES ($1, $2, $3, 'accepted', 'accepted', '[]', '192.0.2.1', $4, '/', $5, $6, $7, 200)
         ), body AS (
           INSERT INTO inbound_request_bodies (request_id, tenant_id, body) SELECT $1, $2, $8 WHERE $7::integer > 0
         ), runs AS (
           INSERT INTO inbound_action_runs (id, tenant_id, endpoint_id, request_id, action_id, position, type)
           SELECT r.id, $2, $3, $1, r.action_id, r.position - 1, r.type
           FROM unnest($9::uuid[], $10::uuid[], $11::text[]) WITH ORDINALITY AS r(id, action_id, type, position) RETURNING id
         )
         INSERT INTO waiting_inbound_actions (run_id, tenant_id, endpoint_id, due_at) SELECT id, $2, $3, now() FROM runs`,
        [
          requestId,
          tenant,
          id,
          method,
          query,
          JSON.stringify({ ...(bytes.length > 0 ? { 'content-type': 'application/json' } : {}), ...headers }),
          bytes.length,
          bytes,
          runIds,
          made.map((action) => action.id),
          made.map((action) => action.type),
        ],
      );
      return { requestId, runIds };
    },
  };
}

/** A run as it is recorded, its result parsed. */
export interface RecordedRun {
  id: string;
  status: string;
  attempts: number;
  result: unknown;
  error: string | null;
  finished_at: Date | null;
}

export async function readRun(pool: Pool, runId: string): Promise<RecordedRun> {
  const answer = await pool.query<Omit<RecordedRun, 'result'> & { result: string | null }>(
    'SELECT id, status, attempts, result, error, finished_at FROM inbound_action_runs WHERE id = $1',
    [runId],
  );
  const [row] = answer.rows;
  if (row === undefined) throw new Error(`There is no run ${runId}`);
  return { ...row, result: row.result === null ? null : (JSON.parse(row.result) as unknown) };
}

function toBytes(content: object | string | Buffer): Buffer {
  if (Buffer.isBuffer(content)) return content;
  return Buffer.from(typeof content === 'string' ? content : JSON.stringify(content));
}

/** Writes a channel as the API does. */
export async function insertChannel(
  pool: Pool,
  tenantId: string,
  channel: { name: string; kind: string; settings?: object; secrets?: object; isDefault?: boolean },
): Promise<void> {
  const id = newUuid(Date.now());
  await pool.query(
    `INSERT INTO inbound_channels (id, tenant_id, name, kind, settings, sealed_secrets, is_default) VALUES ($1, $2, $3, $4, $5, $6, $7)`,
    [
      id,
      parseId('tenant', tenantId),
      channel.name,
      channel.kind,
      channel.settings ?? {},
      channel.secrets === undefined ? null : sealJson(box, 'inbound_channel:secrets', id, channel.secrets),
      channel.isDefault ?? false,
    ],
  );
}
