import { instantArray } from '#database/binary-arrays';
import { plainColumn } from '#database/plain-array';
import { hourMsOfUuid } from '#kernel/hours';
import type { DeliveryWork } from '../lanes/delivery-work';

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

/**
 * Outcomes as a statement reads them, from the first {@link OUTCOME_PARAMETERS} parameters and further arrays of its own.
 * The answers' bodies are one parameter, and each outcome says where in it its own is.
 */
export const outcomesAsTable = (more: { parameter: string; column: string }[]): string => `
  SELECT t.*, substring($14::bytea FROM t.body_at FOR t.body_bytes) AS body
  FROM unnest($1::uuid[], $2::uuid[], $3::text[], $4::text[], $5::timestamptz[], $6::timestamptz[], $7::integer[], $8::smallint[],
    $9::text[], $10::text[], $11::timestamptz[], $12::integer[], $13::integer[], $15::boolean[], $16::smallint[], $17::boolean[],
    ${more.map(({ parameter }) => parameter).join(', ')})
    AS t(id, owner, status, state, due_at, started_at, duration_ms, status_code, error_class, error, hour, body_at, body_bytes,
      truncated, priority, is_probe, ${more.map(({ column }) => column).join(', ')})`;

export const OUTCOME_PARAMETERS = 17;

export function outcomeValues(outcomes: readonly Outcome[]): unknown[] {
  const plain = (value: (outcome: Outcome) => string | number | boolean | null): string => plainColumn(outcomes, value);
  const bodies = outcomes.map(({ attempt }) => attempt?.responseBody ?? EMPTY);
  let offset = 1;
  return [
    plain(({ work }) => work.id),
    plain(({ work }) => work.owner),
    plain(({ state }) => STATUS_OF[state]),
    plain(({ state }) => state),
    instantArray(outcomes.map(({ dueAtMs }) => dueAtMs)),
    instantArray(outcomes.map(({ attempt }) => attempt?.startedAtMs ?? null)),
    plain(({ attempt }) => (attempt === null ? null : Math.round(attempt.durationMs))),
    plain(({ attempt }) => attempt?.statusCode ?? null),
    plain(({ attempt }) => attempt?.errorClass ?? null),
    outcomes.map(({ attempt }) => attempt?.error?.replaceAll('\u0000', '') ?? null),
    instantArray(outcomes.map(({ work }) => hourMsOfUuid(work.id))),
    plainColumn(bodies, (body) => {
      const at = offset;
      offset += body.length;
      return at;
    }),
    plainColumn(bodies, (body) => body.length),
    Buffer.concat(bodies),
    plain(({ attempt }) => attempt?.responseTruncated ?? false),
    plain(({ work }) => work.event.priority),
    plain(({ isProbe }) => isProbe),
  ];
}

const EMPTY = Buffer.alloc(0);
