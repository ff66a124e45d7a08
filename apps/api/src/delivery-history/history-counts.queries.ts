import type { EntityManager } from 'typeorm';
import { queryPrepared } from '#database/query-prepared';
import { wholeDays } from './periods';
import { idRange, type HistoryFilter } from './history-filter';

/** How many deliveries there are, by how they stand. */
export interface HistoryCounts {
  created: number;
  successful: number;
  /** Given up after attempts. */
  failed: number;
  cancelled: number;
  /** Tests are in the history but not among the four above. */
  successfulTests: number;
  failedTests: number;
}

type CountsRow = Record<keyof HistoryCounts, string>;

const HOUR_MS = 3_600_000;
/** A whole hour later than any id. */
const FAR_FUTURE_MS = Date.UTC(10_000, 0, 1);
const NO_TESTS = '0 AS "successfulTests", 0 AS "failedTests"';
const OF_TYPE = '($3::text IS NULL OR event_type = $3)';

// What fan-outs and recorders counted, folded or not yet: both in one statement, since a fold moves rows between them.
const EVER = `
  SELECT created, successful, failed, cancelled, ${NO_TESTS} FROM webhook_totals WHERE tenant_id = $1 AND webhook_id = $2
  UNION ALL
  SELECT created, successful, failed, cancelled, ${NO_TESTS} FROM stats_deltas WHERE tenant_id = $1 AND webhook_id = $2`;

// The days from $8 to $9, the hours before and behind them.
const WHOLE_HOURS = `
  SELECT created, successful, failed, cancelled, ${NO_TESTS} FROM daily_stats
  WHERE tenant_id = $1 AND webhook_id = $2 AND event_type = coalesce($3, '') AND day >= $8 AND day < $9
  UNION ALL
  SELECT created, successful, failed, cancelled, ${NO_TESTS} FROM hourly_stats
  WHERE tenant_id = $1 AND webhook_id = $2 AND ${OF_TYPE} AND hour >= $6 AND hour < $8
  UNION ALL
  SELECT created, successful, failed, cancelled, ${NO_TESTS} FROM hourly_stats
  WHERE tenant_id = $1 AND webhook_id = $2 AND ${OF_TYPE} AND hour >= $9 AND hour < $7
  UNION ALL
  SELECT created, successful, failed, cancelled, ${NO_TESTS} FROM stats_deltas
  WHERE tenant_id = $1 AND webhook_id = $2 AND ${OF_TYPE} AND hour >= $6 AND hour < $7`;

const TESTS = `
  SELECT 0, 0, 0, 0, count(*) FILTER (WHERE status = 'success'), count(*) FILTER (WHERE status = 'failed')
  FROM deliveries WHERE tenant_id = $1 AND webhook_id = $2 AND is_test AND ${OF_TYPE} AND id >= $4 AND id < $5`;

/** Counts the rows of a part of an hour; less than an hour's deliveries, however long the history. */
const partOfHour = (from: string, until: string): string => `
  SELECT count(*), count(*) FILTER (WHERE state = 'delivered'), count(*) FILTER (WHERE state = 'exhausted'),
    count(*) FILTER (WHERE state = 'cancelled'), 0, 0
  FROM deliveries
  WHERE tenant_id = $1 AND webhook_id = $2 AND status IN ('pending', 'success', 'failed') AND NOT is_test AND ${OF_TYPE}
    AND id >= ${from} AND id < ${until}`;

const sumOf = (parts: string[]): string => `
  SELECT coalesce(sum(created), 0) AS created, coalesce(sum(successful), 0) AS successful, coalesce(sum(failed), 0) AS failed,
    coalesce(sum(cancelled), 0) AS cancelled, coalesce(sum("successfulTests"), 0) AS "successfulTests",
    coalesce(sum("failedTests"), 0) AS "failedTests"
  FROM (${parts.join(' UNION ALL ')}) counted`;

/**
 * Exact counts of a webhook's deliveries without going through its history: from the hourly statistics, and the rows
 * themselves only for the parts of hours at the ends of a range. The filter's status is not applied.
 */
export async function countHistory(
  manager: EntityManager,
  tenantId: string,
  webhookId: string,
  filter: HistoryFilter,
): Promise<HistoryCounts> {
  const { from, until } = idRange(filter);
  const values: unknown[] = [tenantId, webhookId, filter.eventType ?? null, from, until];
  const parts: string[] = [];
  if (filter.eventType === undefined && filter.fromMs === undefined && filter.untilMs === undefined) {
    parts.push(EVER);
  } else {
    const { whole, edges } = splitIntoHours(filter.fromMs ?? 0, filter.untilMs ?? FAR_FUTURE_MS);
    parts.push(WHOLE_HOURS);
    const days = wholeDays(whole);
    for (const atMs of [whole.fromMs, whole.untilMs, days.fromMs, days.untilMs]) values.push(new Date(atMs));
    for (const edge of edges) {
      const range = idRange(edge);
      parts.push(partOfHour(`$${values.length + 1}`, `$${values.length + 2}`));
      values.push(range.from, range.until);
    }
  }
  const rows = await queryPrepared<CountsRow>(manager, sumOf([...parts, TESTS]), values);
  return Object.fromEntries(
    Object.entries(rows[0] ?? {}).map(([name, count]) => [name, Number(count)]),
  ) as unknown as HistoryCounts;
}

interface Range {
  fromMs: number;
  untilMs: number;
}

/** A half-open range as its whole hours and what is left before and after them. */
function splitIntoHours(fromMs: number, untilMs: number): { whole: Range; edges: Range[] } {
  const firstHour = Math.ceil(fromMs / HOUR_MS) * HOUR_MS;
  const lastHour = Math.floor(untilMs / HOUR_MS) * HOUR_MS;
  if (firstHour > lastHour) return { whole: { fromMs: 0, untilMs: 0 }, edges: [{ fromMs, untilMs }] };
  const edges = [
    { fromMs, untilMs: firstHour },
    { fromMs: lastHour, untilMs },
  ].filter((edge) => edge.fromMs < edge.untilMs);
  return { whole: { fromMs: firstHour, untilMs: lastHour }, edges };
}
