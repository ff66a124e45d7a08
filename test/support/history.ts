import type { Pool } from 'pg';
import { newUuid, parseId, type IdPrefix } from '#kernel/ids';
import { hourOfUuid } from '#kernel/hours';

export interface PastAttempt {
  code: number | null;
  ms: number;
  error?: string;
  errorClass?: string;
  body?: string;
  truncated?: boolean;
}

/** A delivery as the dispatcher would have left it. */
export interface PastDelivery {
  tenantId: string;
  webhookId: string;
  /** Unix ms of its creation; its partition must exist. */
  atMs: number;
  eventType?: string;
  state?: 'queued' | 'retrying' | 'delivered' | 'exhausted' | 'cancelled';
  /** JSON of the payload's data; null when retention took it. */
  data?: string | null;
  attempts?: PastAttempt[];
  dueAtMs?: number;
}

const STATUS = {
  queued: 'pending',
  retrying: 'pending',
  delivered: 'success',
  exhausted: 'failed',
  cancelled: 'failed',
};

/** The UUID behind a public id. */
export function uuidOf(prefix: IdPrefix, id: string): string {
  const uuid = parseId(prefix, id);
  if (uuid === null) throw new Error(`${id} is no id of ${prefix}`);
  return uuid;
}

/** Writes a delivery with its event, attempts and statistics as fan-out and recorder do; answers its UUID and its event's. */
export async function writeDelivery(pool: Pool, past: PastDelivery): Promise<{ id: string; eventId: string }> {
  const tenantId = uuidOf('tenant', past.tenantId);
  const webhookId = uuidOf('webhook', past.webhookId);
  const state = past.state ?? 'delivered';
  const eventType = past.eventType ?? 'build.completed';
  const attempts =
    past.attempts ?? (state === 'queued' || state === 'cancelled' ? [] : [{ code: 200, ms: 100, body: 'OK' }]);
  const [id, eventId] = [uuidAt(past.atMs), uuidAt(past.atMs)];
  const last = attempts.at(-1);
  const endedAt = last === undefined ? null : new Date(past.atMs + attempts.length * 1_000);
  const data = past.data === undefined ? '{"n":1}' : past.data;
  await pool.query(
    `INSERT INTO events (id, tenant_id, type, occurred_at, version, data_bytes) VALUES ($1, $2, $3, $4, '1', $5)`,
    [eventId, tenantId, eventType, new Date(past.atMs), data?.length ?? 0],
  );
  if (data !== null) {
    await pool.query('INSERT INTO event_payloads (event_id, tenant_id, data) VALUES ($1, $2, $3)', [
      eventId,
      tenantId,
      Buffer.from(data),
    ]);
  }
  await pool.query(
    `INSERT INTO deliveries (id, tenant_id, webhook_id, event_id, event_type, status, state, attempts, next_attempt_at, last_attempt_at,
       response_code, response_time_ms, error_class, error)
     VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14)`,
    [
      id,
      tenantId,
      webhookId,
      eventId,
      eventType,
      STATUS[state],
      state,
      attempts.length,
      past.dueAtMs === undefined ? null : new Date(past.dueAtMs),
      endedAt,
      last?.code ?? null,
      last?.ms ?? null,
      last?.errorClass ?? null,
      last?.error ?? null,
    ],
  );
  for (const [index, attempt] of attempts.entries()) {
    await pool.query(
      `INSERT INTO attempts (delivery_id, number, tenant_id, started_at, duration_ms, status_code, error_class, error)
       VALUES ($1, $2, $3, $4, $5, $6, $7, $8)`,
      [
        id,
        index + 1,
        tenantId,
        new Date(past.atMs + index * 1_000),
        attempt.ms,
        attempt.code,
        attempt.errorClass ?? null,
        attempt.error ?? null,
      ],
    );
    if (attempt.body !== undefined) {
      await pool.query(
        'INSERT INTO attempt_responses (delivery_id, number, tenant_id, body, truncated) VALUES ($1, $2, $3, $4, $5)',
        [id, index + 1, tenantId, Buffer.from(attempt.body), attempt.truncated ?? false],
      );
    }
  }
  if (past.dueAtMs !== undefined) {
    await pool.query(
      'INSERT INTO waiting_deliveries (delivery_id, tenant_id, webhook_id, due_at) VALUES ($1, $2, $3, $4)',
      [id, tenantId, webhookId, new Date(past.dueAtMs)],
    );
  }
  const isFinished = STATUS[state] !== 'pending';
  await pool.query(
    `INSERT INTO stats_deltas (tenant_id, webhook_id, event_type, hour, created, successful, failed, cancelled, response_times_ms, last_delivery_at)
     VALUES ($1, $2, $3, $4, 1, $5, $6, $7, $8, $9)`,
    [
      tenantId,
      webhookId,
      eventType,
      hourOfUuid(id),
      Number(state === 'delivered'),
      Number(state === 'exhausted'),
      Number(state === 'cancelled'),
      isFinished && state !== 'cancelled' && last !== undefined ? [last.ms] : [],
      isFinished ? endedAt : null,
    ],
  );
  return { id, eventId };
}

/** An id of an instant, which may lie behind those made before. */
export function uuidAt(atMs: number): string {
  const hex = Math.floor(atMs).toString(16).padStart(12, '0');
  return `${hex.slice(0, 8)}-${hex.slice(8)}${newUuid(Date.now()).slice(13)}`;
}
