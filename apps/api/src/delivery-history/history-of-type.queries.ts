import type { EntityManager } from 'typeorm';
import { queryPrepared } from '#database/query-prepared';
import { uuidTimeMs } from '#kernel/ids';
import { DELIVERY_STATUSES, type DeliveryStatus } from './delivery-status';
import { DELIVERY_COLUMNS, type DeliveryRow, type HistoryPage } from './history.queries';

/** Which deliveries of one event type are meant; ids half-open. */
export interface TypeFilter {
  eventType: string;
  status: DeliveryStatus | undefined;
  from: string;
  until: string;
}

/** How the statistics count the deliveries of a status. */
const COUNTED_AS: Record<DeliveryStatus | 'any', string> = {
  any: 'created',
  success: 'successful',
  failed: 'failed + cancelled',
  pending: 'created - successful - failed - cancelled',
};
const HOUR_MS = 3_600_000;

// No index leads to an event type, which would cost every delivery. The statistics say on which days, and then in which
// of their hours, there are any: only as many of those are read, newest first, as the page needs. The newest day and hour
// may lie partly beyond the page before, so they are read and not counted. The limit within an hour keeps the planner from
// reading the whole history once and looking for the hours in it. Tests are in no statistics and have an index of their own.
const pageOf = (counted: string): string => `
  WITH unfolded AS MATERIALIZED (
    SELECT hour, ${counted} AS n FROM stats_deltas
    WHERE tenant_id = $1 AND webhook_id = $2 AND event_type = $7 AND hour >= $8 AND hour <= $9
  ), counted_days AS (
    SELECT day, sum(n) AS n FROM (
      SELECT day, ${counted} AS n FROM daily_stats
      WHERE tenant_id = $1 AND webhook_id = $2 AND event_type = $7 AND day > $8::timestamptz - interval '1 day' AND day <= $9
      UNION ALL
      SELECT date_trunc('day', hour, 'UTC'), n FROM unfolded
    ) both_tables GROUP BY day HAVING sum(n) > 0
  ), days AS (
    SELECT day, coalesce(sum(n) FILTER (WHERE day + interval '1 day' <= $9)
      OVER (ORDER BY day DESC ROWS BETWEEN UNBOUNDED PRECEDING AND 1 PRECEDING), 0) AS newer
    FROM counted_days
  ), first_day AS (
    SELECT coalesce(min(day), 'infinity') AS day FROM days WHERE newer < $5::integer + $6::integer
  ), counted AS (
    SELECT hour, sum(n) AS n FROM (
      SELECT hour, ${counted} AS n FROM hourly_stats
      WHERE tenant_id = $1 AND webhook_id = $2 AND event_type = $7 AND hour >= greatest($8, (SELECT day FROM first_day)) AND hour <= $9
      UNION ALL
      SELECT hour, n FROM unfolded
    ) both_tables GROUP BY hour HAVING sum(n) > 0
  ), hours AS (
    SELECT hour FROM (
      SELECT hour, coalesce(sum(n) FILTER (WHERE hour < $9)
        OVER (ORDER BY hour DESC ROWS BETWEEN UNBOUNDED PRECEDING AND 1 PRECEDING), 0) AS newer
      FROM counted) running
    WHERE newer < $5::integer + $6::integer
  )
  SELECT * FROM (
    (SELECT d.* FROM hours h CROSS JOIN LATERAL (
       SELECT ${DELIVERY_COLUMNS} FROM deliveries
       WHERE tenant_id = $1 AND webhook_id = $2 AND status = ANY ($10::text[]) AND event_type = $7 AND NOT is_test
         AND id >= greatest($3::uuid, uuid_floor(h.hour)) AND id < least($4::uuid, uuid_floor(h.hour + interval '1 hour'))
       ORDER BY id DESC LIMIT $5::integer + $6::integer) d)
    UNION ALL
    (SELECT ${DELIVERY_COLUMNS} FROM deliveries
     WHERE tenant_id = $1 AND webhook_id = $2 AND is_test AND status = ANY ($10::text[]) AND event_type = $7
       AND id >= $3 AND id < $4
     ORDER BY id DESC LIMIT $5::integer + $6::integer)
  ) merged ORDER BY id DESC LIMIT $5::integer OFFSET $6::integer`;

/** Deliveries of one event type, newest first, without reading those of the others between them. */
export async function readHistoryPageOfType(
  manager: EntityManager,
  tenantId: string,
  webhookId: string,
  { eventType, status, from, until }: TypeFilter,
  { limit, offset }: HistoryPage,
): Promise<DeliveryRow[]> {
  return queryPrepared(manager, pageOf(COUNTED_AS[status ?? 'any']), [
    tenantId,
    webhookId,
    from,
    until,
    limit,
    offset,
    eventType,
    hourOf(from),
    hourOf(until),
    status === undefined ? DELIVERY_STATUSES : [status],
  ]);
}

function hourOf(uuid: string): Date {
  return new Date(Math.floor(uuidTimeMs(uuid) / HOUR_MS) * HOUR_MS);
}
