import type { MigrationInterface, QueryRunner } from 'typeorm';

/** Statistics by day (UTC) beside those by hour, so that a year of them is read as 365 rows instead of 8,760. */
export class DailyStats1795539600000 implements MigrationInterface {
  async up(runner: QueryRunner): Promise<void> {
    await runner.query(TABLE);
    await runner.query(FILL);
  }

  async down(runner: QueryRunner): Promise<void> {
    await runner.query('DROP TABLE daily_stats');
  }
}

const TABLE = `
CREATE TABLE daily_stats (
  webhook_id uuid NOT NULL,
  day timestamptz NOT NULL,
  event_type text NOT NULL,
  tenant_id uuid NOT NULL,
  created bigint NOT NULL,
  successful bigint NOT NULL,
  failed bigint NOT NULL,
  cancelled bigint NOT NULL,
  response_time_count bigint NOT NULL,
  response_time_ms_sum bigint NOT NULL,
  histogram_buckets smallint[] NOT NULL,
  histogram_counts bigint[] NOT NULL,
  PRIMARY KEY (webhook_id, day, event_type)
) WITH (fillfactor = 70);
COMMENT ON TABLE daily_stats IS 'hourly_stats by day (UTC)';
COMMENT ON COLUMN daily_stats.event_type IS 'empty in the row of all types together, which alone has the histogram';
ALTER TABLE daily_stats ENABLE ROW LEVEL SECURITY;
CREATE POLICY tenant_wall ON daily_stats TO webhooks_request USING (tenant_id = current_tenant()) WITH CHECK (tenant_id = current_tenant());
CREATE POLICY service ON daily_stats TO webhooks_service USING (true) WITH CHECK (true);
GRANT SELECT ON daily_stats TO webhooks_request;
GRANT SELECT, INSERT, UPDATE, DELETE ON daily_stats TO webhooks_service;
GRANT SELECT, DELETE ON daily_stats TO webhooks_retention;
`;

/** What is there already. Nobody folds meanwhile: a fold would be counted by the hour alone, or twice by the day. */
const FILL = `
LOCK TABLE hourly_stats IN SHARE ROW EXCLUSIVE MODE;
INSERT INTO daily_stats
SELECT webhook_id, date_trunc('day', hour, 'UTC'), event_type, tenant_id, sum(created), sum(successful), sum(failed), sum(cancelled),
  sum(response_time_count), sum(response_time_ms_sum), '{}', '{}'
FROM hourly_stats GROUP BY 1, 2, 3, 4;
INSERT INTO daily_stats
SELECT d.webhook_id, d.day, '', d.tenant_id, sum(d.created), sum(d.successful), sum(d.failed), sum(d.cancelled),
  sum(d.response_time_count), sum(d.response_time_ms_sum), coalesce(h.buckets, '{}'), coalesce(h.counts, '{}')
FROM daily_stats d LEFT JOIN (
  SELECT webhook_id, day, array_agg(bucket ORDER BY bucket) AS buckets, array_agg(count ORDER BY bucket) AS counts
  FROM (
    SELECT webhook_id, date_trunc('day', hour, 'UTC') AS day, bucket, sum(count)::bigint AS count
    FROM hourly_stats, unnest(histogram_buckets, histogram_counts) AS pair(bucket, count) GROUP BY 1, 2, 3
  ) summed GROUP BY 1, 2
) h USING (webhook_id, day)
GROUP BY d.webhook_id, d.day, d.tenant_id, h.buckets, h.counts;
`;
