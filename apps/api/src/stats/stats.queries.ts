import type { EntityManager } from 'typeorm';
import { queryPrepared } from '#database/query-prepared';
import { mergeHistograms, type LatencyHistogram } from '#webhook-rules/latency-histogram';
import { wholeDays, type Period, type Range } from '../delivery-history/periods';

/** Counts of deliveries and their response times. */
export interface StatsCounts {
  created: number;
  successful: number;
  failed: number;
  cancelled: number;
  responseTimes: number;
  responseTimeMsSum: number;
}

export interface WebhookStats {
  /** By the beginning of the period, Unix ms; only those that have deliveries. */
  byPeriod: Map<number, StatsCounts>;
  /** In the order of the names. */
  byEventType: Map<string, StatsCounts>;
  latency: LatencyHistogram;
}

interface CountsJson {
  created: number;
  successful: number;
  failed: number;
  cancelled: number;
  times: number;
  times_sum: number;
}

interface StatsRow {
  periods: (CountsJson & { start_ms: number })[] | null;
  types: (CountsJson & { event_type: string })[] | null;
  histogram: { bucket: number; count: number }[] | null;
  response_times_ms: number[] | null;
}

const SUMS = `sum(created)::bigint AS created, sum(successful)::bigint AS successful, sum(failed)::bigint AS failed,
    sum(cancelled)::bigint AS cancelled, sum(times)::bigint AS times, sum(times_sum)::bigint AS times_sum`;

const OF_WEBHOOK = 'tenant_id = $1 AND webhook_id = $2';
const HOUR_COLUMNS = `event_type, created, successful, failed, cancelled, response_time_count AS times, response_time_ms_sum AS times_sum`;
/** The days that lie in the range as a whole, if any: `$6` to `$7`, both the range's beginning when there are none. */
const WHOLE_DAYS = `${OF_WEBHOOK} AND day >= $6 AND day < $7`;
/** The hours before and behind them. */
const EDGES = [`${OF_WEBHOOK} AND hour >= $3 AND hour < $6`, `${OF_WEBHOOK} AND hour >= $7 AND hour < $4`];
const UNFOLDED = `${OF_WEBHOOK} AND hour >= $3 AND hour < $4`;

// Folded statistics and what is not folded yet, in one statement: a fold between two would move rows past it. The
// histograms, which are most of the bytes, are read apart, so that the rows that are gone through twice stay small.
const STATS = `
  WITH counted AS (
    ${EDGES.map((edge) => `SELECT hour AS start, ${HOUR_COLUMNS} FROM hourly_stats WHERE ${edge} UNION ALL`).join('\n    ')}
    SELECT day, ${HOUR_COLUMNS} FROM daily_stats WHERE ${WHOLE_DAYS} AND event_type <> '' UNION ALL
    SELECT hour, event_type, created, successful, failed, cancelled, cardinality(response_times_ms),
      (SELECT coalesce(sum(ms), 0) FROM unnest(response_times_ms) AS ms)
    FROM stats_deltas WHERE ${UNFOLDED}
  ), periods AS (
    SELECT extract(epoch FROM date_trunc($5, start, 'UTC')) * 1000 AS start_ms, ${SUMS} FROM counted GROUP BY 1
  ), types AS (
    SELECT event_type, ${SUMS} FROM counted GROUP BY 1 ORDER BY 1
  ), histograms AS (
    ${EDGES.map((edge) => `SELECT histogram_buckets, histogram_counts FROM hourly_stats WHERE ${edge} UNION ALL`).join('\n    ')}
    SELECT histogram_buckets, histogram_counts FROM daily_stats WHERE ${WHOLE_DAYS} AND event_type = ''
  ), histogram AS (
    SELECT bucket, sum(count)::bigint AS count FROM (
      SELECT unnest(histogram_buckets) AS bucket, unnest(histogram_counts) AS count FROM histograms
    ) unnested GROUP BY 1
  )
  SELECT (SELECT json_agg(p) FROM periods p) AS periods, (SELECT json_agg(t) FROM types t) AS types,
    (SELECT json_agg(h) FROM histogram h) AS histogram,
    (SELECT array_agg(ms) FROM stats_deltas, unnest(response_times_ms) AS ms WHERE ${UNFOLDED}) AS response_times_ms`;

/** A webhook's statistics over a range of whole hours. */
export async function readStats(
  manager: EntityManager,
  tenantId: string,
  webhookId: string,
  period: Period,
  range: Range,
): Promise<WebhookStats> {
  const days = period === 'hour' ? { fromMs: range.fromMs, untilMs: range.fromMs } : wholeDays(range);
  const values = [
    ...[tenantId, webhookId, new Date(range.fromMs), new Date(range.untilMs), period],
    ...[new Date(days.fromMs), new Date(days.untilMs)],
  ];
  const rows = await queryPrepared<StatsRow>(manager, STATS, values);
  const row = rows[0];
  const histogram = row?.histogram ?? [];
  return {
    byPeriod: new Map((row?.periods ?? []).map((counts) => [counts.start_ms, toCounts(counts)])),
    byEventType: new Map((row?.types ?? []).map((counts) => [counts.event_type, toCounts(counts)])),
    latency: mergeHistograms(
      [{ buckets: histogram.map(({ bucket }) => bucket), counts: histogram.map(({ count }) => count) }],
      row?.response_times_ms ?? [],
    ),
  };
}

export const NO_COUNTS: StatsCounts = {
  created: 0,
  successful: 0,
  failed: 0,
  cancelled: 0,
  responseTimes: 0,
  responseTimeMsSum: 0,
};

/** Counts taken together. */
export function sumCounts(all: Iterable<StatsCounts>): StatsCounts {
  const sum = { ...NO_COUNTS };
  for (const counts of all) {
    sum.created += counts.created;
    sum.successful += counts.successful;
    sum.failed += counts.failed;
    sum.cancelled += counts.cancelled;
    sum.responseTimes += counts.responseTimes;
    sum.responseTimeMsSum += counts.responseTimeMsSum;
  }
  return sum;
}

function toCounts({ times, times_sum, created, successful, failed, cancelled }: CountsJson): StatsCounts {
  return { created, successful, failed, cancelled, responseTimes: times, responseTimeMsSum: times_sum };
}
