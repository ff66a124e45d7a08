import type { EntityManager } from 'typeorm';
import { queryPrepared } from '#database/query-prepared';
import { firstUuidAt, uuidTimeMs } from '#kernel/ids';
import type { DeliveryState, DeliveryStatus } from './delivery-status';

/** A delivery as its record stands. */
export interface DeliveryRow {
  id: string;
  webhook_id: string;
  event_id: string;
  event_type: string;
  status: DeliveryStatus;
  state: DeliveryState;
  attempts: number;
  is_test: boolean;
  next_attempt_at: Date | null;
  last_attempt_at: Date | null;
  response_code: number | null;
  response_time_ms: number | null;
  error: string | null;
  original_delivery_id: string | null;
}

/** Where a page of the history, newest first, begins. */
export interface HistoryPage {
  limit: number;
  offset: number;
}

/** The columns of {@link DeliveryRow}. */
export const DELIVERY_COLUMNS =
  'id, webhook_id, event_id, event_type, status, state, attempts, is_test, next_attempt_at, last_attempt_at, response_code, response_time_ms, error, original_delivery_id';

/** Where most pages lie as a whole, in two or three of the partitions. */
const NEAR_MS = 14 * 86_400_000;

/**
 * Deliveries of a webhook, newest first: those of the last two weeks of the range if they fill the page, since each
 * partition costs some time although nothing is in it.
 */
export async function readHistoryPage(
  manager: EntityManager,
  tenantId: string,
  webhookId: string,
  statuses: readonly DeliveryStatus[],
  range: { from: string; until: string },
  page: HistoryPage,
): Promise<DeliveryRow[]> {
  const nearId = firstUuidAt(Math.max(0, Math.min(uuidTimeMs(range.until), Date.now()) - NEAR_MS));
  if (nearId > range.from) {
    const near = await readRange(manager, tenantId, webhookId, statuses, { ...range, from: nearId }, page);
    if (near.length === page.limit) return near;
  }
  return readRange(manager, tenantId, webhookId, statuses, range, page);
}

// The index leads with the status: the ranges of the statuses are read in order and merged.
async function readRange(
  manager: EntityManager,
  tenantId: string,
  webhookId: string,
  statuses: readonly DeliveryStatus[],
  range: { from: string; until: string },
  { limit, offset }: HistoryPage,
): Promise<DeliveryRow[]> {
  const ranges = statuses.map(
    (status) =>
      `(SELECT ${DELIVERY_COLUMNS} FROM deliveries
        WHERE tenant_id = $1 AND webhook_id = $2 AND status = '${status}' AND id >= $3 AND id < $4
        ORDER BY id DESC LIMIT $5::integer + $6::integer)`,
  );
  return queryPrepared(
    manager,
    `SELECT * FROM (${ranges.join(' UNION ALL ')}) merged ORDER BY id DESC LIMIT $5::integer OFFSET $6::integer`,
    [tenantId, webhookId, range.from, range.until, limit, offset],
  );
}

/** One delivery of a webhook, or null. */
export async function findDelivery(
  manager: EntityManager,
  tenantId: string,
  webhookId: string,
  id: string,
): Promise<DeliveryRow | null> {
  const rows: DeliveryRow[] = await manager.query(
    `SELECT ${DELIVERY_COLUMNS} FROM deliveries WHERE tenant_id = $1 AND webhook_id = $2 AND id = $3`,
    [tenantId, webhookId, id],
  );
  return rows[0] ?? null;
}

/** What belongs to a delivery and lives in tables of its own. */
export interface DeliveryContentRow {
  id: string;
  client_event_id: string | null;
  /** Null for a test, which has no event, and once retention took the event. */
  occurred_at: Date | null;
  /** The payload's `data` as published; null once retention took it. */
  data: Buffer | null;
  response_body: Buffer | null;
  response_truncated: boolean | null;
}

/**
 * The events, payloads and last responses of deliveries. The ranges of ids leave out partitions, and the arrays have the
 * rows found by their ids, however far apart they lie.
 */
export async function readContents(
  manager: EntityManager,
  tenantId: string,
  deliveries: DeliveryRow[],
): Promise<Map<string, DeliveryContentRow>> {
  if (deliveries.length === 0) return new Map();
  const ids = deliveries.map((delivery) => delivery.id);
  const eventIds = deliveries.map((delivery) => delivery.event_id);
  const attempts = deliveries.map((delivery) => delivery.attempts);
  const rows = await queryPrepared<DeliveryContentRow>(
    manager,
    `SELECT d.id, e.client_event_id, e.occurred_at, p.data, r.body AS response_body, r.truncated AS response_truncated
     FROM unnest($2::uuid[], $3::uuid[], $4::integer[]) AS d(id, event_id, attempts)
     LEFT JOIN events e ON e.id = d.event_id AND e.tenant_id = $1
       AND e.id = ANY ($3::uuid[]) AND e.id >= $7 AND e.id <= $8
     LEFT JOIN event_payloads p ON p.event_id = d.event_id AND p.tenant_id = $1
       AND p.event_id = ANY ($3::uuid[]) AND p.event_id >= $7 AND p.event_id <= $8
     LEFT JOIN attempt_responses r ON r.delivery_id = d.id AND r.number = d.attempts AND r.tenant_id = $1
       AND r.delivery_id = ANY ($2::uuid[]) AND r.delivery_id >= $5 AND r.delivery_id <= $6`,
    [tenantId, ids, eventIds, attempts, ...ends(ids), ...ends(eventIds)],
  );
  return new Map(rows.map((row) => [row.id, row]));
}

export interface AttemptRow {
  delivery_id: string;
  number: number;
  started_at: Date;
  duration_ms: number;
  status_code: number | null;
  error_class: string | null;
  error: string | null;
  response_body: Buffer | null;
  response_truncated: boolean | null;
}

/**
 * The attempts of deliveries in their order.
 * @param withBodies whether with the responses' bodies, which may be many kilobytes each.
 */
export async function readAttempts(
  manager: EntityManager,
  tenantId: string,
  deliveryIds: string[],
  withBodies: boolean,
): Promise<Map<string, AttemptRow[]>> {
  const attempts = new Map<string, AttemptRow[]>(deliveryIds.map((id) => [id, []]));
  if (deliveryIds.length === 0) return attempts;
  const body = withBodies
    ? 'r.body AS response_body, r.truncated AS response_truncated'
    : 'NULL AS response_body, NULL AS response_truncated';
  const rows = await queryPrepared<AttemptRow>(
    manager,
    `SELECT a.delivery_id, a.number, a.started_at, a.duration_ms, a.status_code, a.error_class, a.error, ${body}
     FROM attempts a
     ${withBodies ? 'LEFT JOIN attempt_responses r ON r.delivery_id = a.delivery_id AND r.number = a.number AND r.delivery_id = ANY ($2::uuid[]) AND r.delivery_id >= $3 AND r.delivery_id <= $4' : ''}
     WHERE a.tenant_id = $1 AND a.delivery_id = ANY ($2::uuid[]) AND a.delivery_id >= $3 AND a.delivery_id <= $4
     ORDER BY a.delivery_id, a.number`,
    [tenantId, deliveryIds, ...ends(deliveryIds)],
  );
  for (const row of rows) attempts.get(row.delivery_id)?.push(row);
  return attempts;
}

/** The smallest and the greatest of ids. */
function ends(ids: string[]): (string | undefined)[] {
  const sorted = [...ids].sort();
  return [sorted[0], sorted.at(-1)];
}
