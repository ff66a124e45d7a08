import type { Pool } from 'pg';
import { idsOf, type IdsRow } from '#database/ids-row';
import { plainColumn } from '#database/plain-array';
import { hourOfUuid } from '#kernel/hours';
import { formatId, newUuid } from '#kernel/ids';
import type { DeliveryWork } from './delivery-work';

/** How a delivery stands after an attempt, after giving up, or after being handed back. */
export type DeliveryState = 'queued' | 'retrying' | 'throttled' | 'held' | 'delivered' | 'exhausted' | 'cancelled';

const STATUS_OF: Record<DeliveryState, 'pending' | 'success' | 'failed'> = {
  queued: 'pending',
  retrying: 'pending',
  throttled: 'pending',
  held: 'pending',
  delivered: 'success',
  exhausted: 'failed',
  cancelled: 'failed',
};

/** One attempt as it is kept. */
export interface AttemptRecord {
  startedAtMs: number;
  durationMs: number;
  statusCode: number | null;
  errorClass: string | null;
  error: string | null;
  responseBody: Buffer;
  responseTruncated: boolean;
}

/** What is to be written about one delivery. */
export interface Outcome {
  work: DeliveryWork;
  state: DeliveryState;
  /** Null when no request was made. */
  attempt: AttemptRecord | null;
  /** Whether the attempt only asked if anybody is there, and does not count against `max_attempts`. */
  isProbe: boolean;
  /** Unix ms at which it is due again; null when it is finished. */
  dueAtMs: number | null;
}

// One statement, so one commit, for many outcomes. Only those whose owner and epoch still match are written;
// the id range lets the planner leave out partitions.
const RECORD = `
WITH input AS (
  SELECT t.*, substring($15::bytea FROM t.body_at FOR t.body_bytes) AS body
  FROM unnest($1::uuid[], $2::uuid[], $3::integer[], $4::text[], $5::text[], $6::timestamptz[], $7::timestamptz[], $8::integer[],
    $9::smallint[], $10::text[], $11::text[], $12::timestamptz[], $13::integer[], $14::integer[], $16::boolean[], $19::smallint[], $20::boolean[])
    AS t(id, owner, epoch, status, state, due_at, started_at, duration_ms, status_code, error_class, error, hour, body_at, body_bytes, truncated, priority, is_probe)
), recorded AS (
  UPDATE deliveries d SET
    status = i.status, state = i.state, owner = NULL, next_attempt_at = i.due_at,
    attempts = d.attempts + CASE WHEN i.started_at IS NULL THEN 0 ELSE 1 END, probes = d.probes + i.is_probe::integer,
    last_attempt_at = coalesce(i.started_at + make_interval(secs => i.duration_ms / 1000.0), d.last_attempt_at),
    response_code = CASE WHEN i.started_at IS NULL THEN d.response_code ELSE i.status_code END,
    response_time_ms = CASE WHEN i.started_at IS NULL THEN d.response_time_ms ELSE i.duration_ms END,
    error_class = CASE WHEN i.started_at IS NULL AND i.error_class IS NULL THEN d.error_class ELSE i.error_class END,
    error = CASE WHEN i.started_at IS NULL AND i.error IS NULL THEN d.error ELSE i.error END
  FROM input i
  WHERE d.id = i.id AND d.id >= $17 AND d.id <= $18 AND d.owner = i.owner AND d.epoch = i.epoch
  RETURNING d.id, d.tenant_id, d.webhook_id, d.event_type, d.status, d.state, d.attempts, d.is_test, d.last_attempt_at,
    d.response_time_ms, i.due_at, i.started_at, i.duration_ms, i.status_code, i.error_class, i.error, i.hour, i.body, i.body_bytes, i.truncated, i.priority
), kept AS (
  INSERT INTO attempts (delivery_id, number, tenant_id, started_at, duration_ms, status_code, error_class, error)
  SELECT id, attempts, tenant_id, started_at, duration_ms, status_code, error_class, error FROM recorded WHERE started_at IS NOT NULL
), bodies AS (
  INSERT INTO attempt_responses (delivery_id, number, tenant_id, body, truncated)
  SELECT id, attempts, tenant_id, body, truncated FROM recorded WHERE body_bytes > 0
), waiting AS (
  INSERT INTO waiting_deliveries (delivery_id, tenant_id, webhook_id, due_at, priority)
  SELECT id, tenant_id, webhook_id, due_at, priority FROM recorded WHERE due_at IS NOT NULL
), counted AS (
  INSERT INTO stats_deltas (tenant_id, webhook_id, event_type, hour, successful, failed, cancelled, response_times_ms, last_delivery_at)
  SELECT tenant_id, webhook_id, event_type, hour,
    count(*) FILTER (WHERE state = 'delivered'), count(*) FILTER (WHERE state = 'exhausted'), count(*) FILTER (WHERE state = 'cancelled'),
    coalesce(array_agg(response_time_ms) FILTER (WHERE state <> 'cancelled' AND response_time_ms IS NOT NULL), '{}'), max(last_attempt_at)
  FROM recorded WHERE status <> 'pending' AND NOT is_test GROUP BY 1, 2, 3, 4
)
SELECT string_agg(id::text, ',') AS ids FROM recorded`;

/** Writes outcomes; @returns the ids of those that still were this dispatcher's to write. */
export async function writeOutcomes(pool: Pick<Pool, 'query'>, outcomes: Outcome[]): Promise<Set<string>> {
  const plain = (value: (outcome: Outcome) => string | number | boolean | null): string => plainColumn(outcomes, value);
  const instant = (atMs: number | null | undefined): string | null =>
    atMs === null || atMs === undefined ? null : new Date(atMs).toISOString();
  const sorted = outcomes.map((outcome) => outcome.work.id).sort();
  const bodies = outcomes.map((outcome) => outcome.attempt?.responseBody ?? EMPTY);
  let offset = 1;
  const answer = await pool.query<IdsRow>({
    name: 'record-outcomes',
    text: RECORD,
    values: [
      plain((outcome) => outcome.work.id),
      plain((outcome) => outcome.work.owner),
      plain((outcome) => outcome.work.epoch),
      plain((outcome) => STATUS_OF[outcome.state]),
      plain((outcome) => outcome.state),
      plain((outcome) => instant(outcome.dueAtMs)),
      plain((outcome) => instant(outcome.attempt?.startedAtMs)),
      plain((outcome) => (outcome.attempt === null ? null : Math.round(outcome.attempt.durationMs))),
      plain((outcome) => outcome.attempt?.statusCode ?? null),
      plain((outcome) => outcome.attempt?.errorClass ?? null),
      outcomes.map((outcome) => outcome.attempt?.error?.replaceAll('\u0000', '') ?? null),
      plain((outcome) => hourOfUuid(outcome.work.id)),
      plainColumn(bodies, (body) => {
        const at = offset;
        offset += body.length;
        return at;
      }),
      plainColumn(bodies, (body) => body.length),
      Buffer.concat(bodies),
      plain((outcome) => outcome.attempt?.responseTruncated ?? false),
      sorted[0],
      sorted.at(-1),
      plain((outcome) => outcome.work.event.priority),
      plain((outcome) => outcome.isProbe),
    ],
  });
  return idsOf(answer);
}

/** Makes a webhook inactive, as after a 410; @returns false when it was inactive or deleted already. */
export async function disableWebhook(
  pool: Pool,
  tenantId: string,
  webhookId: string,
  reason: string,
): Promise<boolean> {
  const answer = await pool.query(
    `WITH disabled AS (
       UPDATE webhooks SET active = false, disabled_reason = $3, version = version + 1, updated_at = now()
       WHERE id = $2 AND tenant_id = $1 AND active AND deleted_at IS NULL RETURNING tenant_id, project_id
     ), audited AS (
       INSERT INTO audit_log (id, tenant_id, project_id, action, actor, resource_type, resource_id, details)
       SELECT $4, tenant_id, project_id, 'webhook.disabled', 'system', 'webhook', $5, jsonb_build_object('reason', $3::text)
       FROM disabled
     )
     UPDATE tenants t SET webhooks_version = webhooks_version + 1, changed_at = now() FROM disabled
     WHERE t.id = disabled.tenant_id`,
    [tenantId, webhookId, reason, newUuid(Date.now()), formatId('webhook', webhookId)],
  );
  return answer.rowCount === 1;
}

const EMPTY = Buffer.alloc(0);
