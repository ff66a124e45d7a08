import type { Pool } from 'pg';
import { mergeHistograms } from '#webhook-rules/latency-histogram';

export interface HistoryPlan {
  tenantId: string;
  webhookId: string;
  deliveries: number;
  /** Over how many days up to its end they lie, evenly. */
  days: number;
  /** The end of the history; now unless given. */
  until?: Date;
  /** For how many days there are statistics, which outlive the deliveries. */
  statsDays: number;
  /** Whether the planner is to know of it, as it does once autovacuum has come by. */
  isAnalysed: boolean;
}

/** What each hour's histogram looks like: response times of 5 to 400 ms. */
const RESPONSE_TIMES_MS = Array.from({ length: 60 }, (_, index) => Math.round(5 * 1.077 ** index));

const TYPES = `ARRAY['build.started', 'build.completed', 'build.failed', 'deployment.started', 'deployment.completed']`;

// 90 % delivered, 8 % given up, 2 % cancelled; every id made of its instant and its number.
const PAST = `
  CREATE TEMPORARY TABLE past AS
  SELECT at, event_type, state, failed, (head || '-7' || tail)::uuid AS event_id, (head || '-8' || tail)::uuid AS id
  FROM (
    SELECT at, (${TYPES})[1 + n % 5] AS event_type, n % 100 < 10 AS failed,
      CASE WHEN n % 100 < 8 THEN 'exhausted' WHEN n % 100 < 10 THEN 'cancelled' ELSE 'delivered' END AS state,
      substr(uuid_floor(at)::text, 1, 13) AS head,
      substr(hash, 1, 3) || '-8' || substr(hash, 4, 3) || '-' || substr(hash, 7, 12) AS tail
    FROM (
      SELECT n, md5(n::text) AS hash, now() - make_interval(secs => $1::float8 * n / $2::float8) AS at
      FROM generate_series(1, $2::integer) AS n
    ) numbered
  ) shaped`;

const ROWS = [
  `INSERT INTO events (id, tenant_id, type, occurred_at, version, data_bytes)
   SELECT event_id, $1, event_type, at, '1', 40 FROM past`,
  `INSERT INTO event_payloads (event_id, tenant_id, data)
   SELECT event_id, $1, convert_to('{"build_id":"' || event_id || '"}', 'UTF8') FROM past`,
  `INSERT INTO deliveries (id, tenant_id, webhook_id, event_id, event_type, status, state, attempts, last_attempt_at,
     response_code, response_time_ms)
   SELECT id, $1, $2, event_id, event_type, CASE WHEN failed THEN 'failed' ELSE 'success' END, state,
     (state <> 'cancelled')::integer, at, CASE WHEN failed THEN 500 ELSE 200 END, 20 FROM past`,
  `INSERT INTO attempts (delivery_id, number, tenant_id, started_at, duration_ms, status_code)
   SELECT id, 1, $1, at, 20, CASE WHEN failed THEN 500 ELSE 200 END FROM past WHERE state <> 'cancelled'`,
  `INSERT INTO attempt_responses (delivery_id, number, tenant_id, body)
   SELECT id, 1, $1, 'OK' FROM past WHERE state <> 'cancelled'`,
];

const HOURS = `
  INSERT INTO hourly_stats (webhook_id, hour, event_type, tenant_id, created, successful, failed, cancelled,
    response_time_count, response_time_ms_sum, histogram_buckets, histogram_counts)
  SELECT $2, hour, type, $1, coalesce(created, 10), coalesce(successful, 9), coalesce(failed, 1), coalesce(cancelled, 0), 60,
    4000, $4::smallint[], $5::bigint[]
  FROM generate_series(date_trunc('hour', now() - make_interval(days => $3)), now(), '1 hour') AS hour
  CROSS JOIN unnest(${TYPES}) AS type
  LEFT JOIN (
    SELECT date_trunc('hour', at) AS hour, event_type AS type, count(*) AS created, count(*) FILTER (WHERE state = 'delivered') AS successful,
      count(*) FILTER (WHERE state = 'exhausted') AS failed, count(*) FILTER (WHERE state = 'cancelled') AS cancelled
    FROM past GROUP BY 1, 2) counted USING (hour, type)`;

const DAYS = `
  INSERT INTO daily_stats (webhook_id, day, event_type, tenant_id, created, successful, failed, cancelled,
    response_time_count, response_time_ms_sum, histogram_buckets, histogram_counts)
  SELECT webhook_id, date_trunc('day', hour, 'UTC'), coalesce(event_type, ''), $1, sum(created), sum(successful), sum(failed),
    sum(cancelled), sum(response_time_count), sum(response_time_ms_sum),
    CASE WHEN event_type IS NULL THEN $3::smallint[] ELSE '{}' END, CASE WHEN event_type IS NULL THEN $4::bigint[] ELSE '{}' END
  FROM hourly_stats WHERE webhook_id = $2 GROUP BY GROUPING SETS ((1, 2, event_type), (1, 2))`;

const TOTALS = `
  INSERT INTO webhook_totals (webhook_id, tenant_id, created, successful, failed, cancelled, response_time_count,
    response_time_ms_sum, last_delivery_at)
  SELECT $2, $1, sum(created), sum(successful), sum(failed), sum(cancelled), sum(response_time_count), sum(response_time_ms_sum), now()
  FROM hourly_stats WHERE webhook_id = $2`;

const TABLES = [
  'events',
  'event_payloads',
  'deliveries',
  'attempts',
  'attempt_responses',
  'hourly_stats',
  'daily_stats',
  'webhook_totals',
];

/** Writes a webhook's history by SQL, as fan-outs, recorders and folds would have left it. */
export async function writeHistory(pool: Pool, plan: HistoryPlan): Promise<void> {
  const { tenantId, webhookId, deliveries, days, statsDays, isAnalysed } = plan;
  const end = plan.until === undefined ? 'now()' : `'${plan.until.toISOString()}'::timestamptz`;
  const ending = (text: string): string => text.replaceAll('now()', end);
  const { buckets, counts } = mergeHistograms([], RESPONSE_TIMES_MS);
  const client = await pool.connect();
  try {
    await client.query(`SELECT ensure_partitions(now() - make_interval(days => $1), now() + interval '28 days')`, [
      days + 7,
    ]);
    await client.query(
      ending(PAST)
        .replaceAll('$1', String(days * 86_400))
        .replaceAll('$2', String(deliveries)),
    );
    for (const text of ROWS) await client.query(text, text.includes('$2') ? [tenantId, webhookId] : [tenantId]);
    await client.query(ending(HOURS), [tenantId, webhookId, statsDays, buckets, counts]);
    await client.query(DAYS, [tenantId, webhookId, buckets, counts]);
    await client.query(ending(TOTALS), [tenantId, webhookId]);
    await client.query('DROP TABLE past');
    if (isAnalysed) await client.query(`VACUUM (ANALYZE) ${TABLES.join(', ')}`);
  } finally {
    client.release();
  }
}
