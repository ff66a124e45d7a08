import type { Pool, PoolClient } from 'pg';
import { inTransaction } from '#database/in-transaction';
import { mergeHistograms, type LatencyHistogram } from '#webhook-rules/latency-histogram';

/** One row of `stats_deltas`. */
interface Delta {
  tenant_id: string;
  webhook_id: string;
  event_type: string;
  hour: Date;
  created: number;
  successful: number;
  failed: number;
  cancelled: number;
  response_times_ms: number[];
  last_delivery_at: Date | null;
}

interface Sum {
  tenantId: string;
  webhookId: string;
  created: number;
  successful: number;
  failed: number;
  cancelled: number;
  responseTimesMs: number[];
  lastDeliveryAt: Date | null;
}

interface HourlySum extends Sum {
  eventType: string;
  hour: Date;
}

/** Folds run one at a time over all dispatchers. */
const FOLD_LOCK = 7_206_154_884;

/**
 * Moves up to `limit` deltas into the hourly statistics and the totals, in one transaction.
 * @returns how many were moved; 0 also when another dispatcher is folding.
 */
export function foldDeltas(pool: Pool, limit: number): Promise<number> {
  return inTransaction(pool, async (client) => {
    const lock = await client.query<{ mine: boolean }>('SELECT pg_try_advisory_xact_lock($1) AS mine', [FOLD_LOCK]);
    const deltas = lock.rows[0]?.mine === true ? await takeDeltas(client, limit) : [];
    if (deltas.length > 0) {
      await addToHours(
        client,
        sumBy(deltas, (delta) => `${delta.webhook_id} ${delta.hour.getTime()} ${delta.event_type}`),
      );
      await addToTotals(
        client,
        sumBy(deltas, (delta) => delta.webhook_id),
      );
    }
    return deltas.length;
  });
}

async function takeDeltas(client: PoolClient, limit: number): Promise<Delta[]> {
  const answer = await client.query<Delta>(
    `DELETE FROM stats_deltas WHERE id IN (SELECT id FROM stats_deltas ORDER BY id LIMIT $1)
     RETURNING tenant_id, webhook_id, event_type, hour, created, successful, failed, cancelled, response_times_ms, last_delivery_at`,
    [limit],
  );
  return answer.rows;
}

function sumBy(deltas: Delta[], keyOf: (delta: Delta) => string): HourlySum[] {
  const sums = new Map<string, HourlySum>();
  for (const delta of deltas) {
    const sum = sums.get(keyOf(delta)) ?? {
      tenantId: delta.tenant_id,
      webhookId: delta.webhook_id,
      eventType: delta.event_type,
      hour: delta.hour,
      created: 0,
      successful: 0,
      failed: 0,
      cancelled: 0,
      responseTimesMs: [],
      lastDeliveryAt: null,
    };
    sum.created += delta.created;
    sum.successful += delta.successful;
    sum.failed += delta.failed;
    sum.cancelled += delta.cancelled;
    for (const ms of delta.response_times_ms) sum.responseTimesMs.push(ms);
    if (
      delta.last_delivery_at !== null &&
      (sum.lastDeliveryAt === null || delta.last_delivery_at > sum.lastDeliveryAt)
    ) {
      sum.lastDeliveryAt = delta.last_delivery_at;
    }
    sums.set(keyOf(delta), sum);
  }
  return [...sums.values()];
}

async function addToHours(client: PoolClient, sums: HourlySum[]): Promise<void> {
  const keys = [
    sums.map((sum) => sum.webhookId),
    sums.map((sum) => sum.hour.toISOString()),
    sums.map((sum) => sum.eventType),
  ];
  const known = await client.query<{
    webhook_id: string;
    hour: Date;
    event_type: string;
    histogram_buckets: number[];
    histogram_counts: string[];
  }>(
    `SELECT s.webhook_id, s.hour, s.event_type, s.histogram_buckets, s.histogram_counts
     FROM unnest($1::uuid[], $2::timestamptz[], $3::text[]) AS k(webhook_id, hour, event_type)
     JOIN delivery_stats s USING (webhook_id, hour, event_type)`,
    keys,
  );
  const nameOf = (webhookId: string, hour: Date, eventType: string): string =>
    `${webhookId} ${hour.getTime()} ${eventType}`;
  const before = new Map<string, LatencyHistogram>(
    known.rows.map((row) => [
      nameOf(row.webhook_id, row.hour, row.event_type),
      { buckets: row.histogram_buckets, counts: row.histogram_counts.map(Number) },
    ]),
  );
  const histograms = sums.map((sum) => {
    const earlier = before.get(nameOf(sum.webhookId, sum.hour, sum.eventType));
    return mergeHistograms(earlier === undefined ? [] : [earlier], sum.responseTimesMs);
  });
  await client.query(
    `INSERT INTO delivery_stats AS s (webhook_id, hour, event_type, tenant_id, created, successful, failed, cancelled,
       response_time_count, response_time_ms_sum, histogram_buckets, histogram_counts)
     SELECT webhook_id, hour, event_type, tenant_id, created, successful, failed, cancelled, times, ms, buckets::smallint[], counts::bigint[]
     FROM unnest($1::uuid[], $2::timestamptz[], $3::text[], $4::uuid[], $5::bigint[], $6::bigint[], $7::bigint[], $8::bigint[],
       $9::bigint[], $10::bigint[], $11::text[], $12::text[])
       AS d(webhook_id, hour, event_type, tenant_id, created, successful, failed, cancelled, times, ms, buckets, counts)
     ON CONFLICT (webhook_id, hour, event_type) DO UPDATE SET
       created = s.created + excluded.created, successful = s.successful + excluded.successful, failed = s.failed + excluded.failed,
       cancelled = s.cancelled + excluded.cancelled, response_time_count = s.response_time_count + excluded.response_time_count,
       response_time_ms_sum = s.response_time_ms_sum + excluded.response_time_ms_sum,
       histogram_buckets = excluded.histogram_buckets, histogram_counts = excluded.histogram_counts`,
    [
      ...keys,
      sums.map((sum) => sum.tenantId),
      ...counters(sums),
      histograms.map((histogram) => `{${histogram.buckets.join(',')}}`),
      histograms.map((histogram) => `{${histogram.counts.join(',')}}`),
    ],
  );
}

async function addToTotals(client: PoolClient, sums: Sum[]): Promise<void> {
  await client.query(
    `INSERT INTO webhook_totals AS t (webhook_id, tenant_id, last_delivery_at, created, successful, failed, cancelled,
       response_time_count, response_time_ms_sum)
     SELECT * FROM unnest($1::uuid[], $2::uuid[], $3::timestamptz[], $4::bigint[], $5::bigint[], $6::bigint[], $7::bigint[],
       $8::bigint[], $9::bigint[])
     ON CONFLICT (webhook_id) DO UPDATE SET
       created = t.created + excluded.created, successful = t.successful + excluded.successful, failed = t.failed + excluded.failed,
       cancelled = t.cancelled + excluded.cancelled, response_time_count = t.response_time_count + excluded.response_time_count,
       response_time_ms_sum = t.response_time_ms_sum + excluded.response_time_ms_sum,
       last_delivery_at = greatest(t.last_delivery_at, excluded.last_delivery_at)`,
    [
      sums.map((sum) => sum.webhookId),
      sums.map((sum) => sum.tenantId),
      sums.map((sum) => sum.lastDeliveryAt?.toISOString() ?? null),
      ...counters(sums),
    ],
  );
}

function counters(sums: Sum[]): number[][] {
  return [
    sums.map((sum) => sum.created),
    sums.map((sum) => sum.successful),
    sums.map((sum) => sum.failed),
    sums.map((sum) => sum.cancelled),
    sums.map((sum) => sum.responseTimesMs.length),
    sums.map((sum) => sum.responseTimesMs.reduce((total, ms) => total + ms, 0)),
  ];
}
