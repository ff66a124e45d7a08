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

/** Of an hour or a day. */
interface PeriodSum extends Sum {
  eventType: string;
  start: Date;
}

/** A table of sums, and its column with the beginning of the period. */
interface PeriodTable {
  name: string;
  start: string;
  hasHistogram: (sum: PeriodSum) => boolean;
}

const HOURS: PeriodTable = { name: 'hourly_stats', start: 'hour', hasHistogram: () => true };
/** Response times are told of all types together only, so one histogram a day is enough. */
const DAYS: PeriodTable = {
  name: 'daily_stats',
  start: 'day',
  hasHistogram: ({ eventType }) => eventType === ALL_TYPES,
};

/** Stands for the event type in a day's row of all types. */
const ALL_TYPES = '';
const DAY_MS = 86_400_000;

/** Folds run one at a time over all dispatchers. */
const FOLD_LOCK = 7_206_154_884;

/** Which webhooks' deltas are worth folding now. */
export interface Worth {
  /** Those that have so many of them. */
  atLeast: number;
  /** All, when no more webhooks than this have any. */
  orOfFew: number;
  /** And those that fall into this one of {@link SLICES}, by the last byte of their id, which is random. */
  orOfSlice: number;
}

export const SLICES = 32;

/** Webhooks of which deltas are worth folding now, and how many each has. */
export async function findWorthFolding(pool: Pool, worth: Worth): Promise<{ webhookId: string; deltas: number }[]> {
  const result = await pool.query<{ webhookId: string; deltas: number }>(
    `WITH waiting AS (SELECT webhook_id, count(*)::integer AS deltas FROM stats_deltas GROUP BY webhook_id)
     SELECT webhook_id AS "webhookId", deltas FROM waiting
     WHERE deltas >= $1 OR (SELECT count(*) FROM waiting) <= $2 OR get_byte(uuid_send(webhook_id), 15) % $3 = $4`,
    [worth.atLeast, worth.orOfFew, SLICES, worth.orOfSlice],
  );
  return result.rows;
}

/**
 * Moves up to `limit` deltas of webhooks into their statistics by hour and by day and their totals, in one transaction.
 * @returns how many were moved; 0 also when another dispatcher is folding.
 */
export function foldDeltas(pool: Pool, webhookIds: readonly string[], limit: number): Promise<number> {
  return inTransaction(pool, async (client) => {
    const lock = await client.query<{ mine: boolean }>('SELECT pg_try_advisory_xact_lock($1) AS mine', [FOLD_LOCK]);
    const deltas = lock.rows[0]?.mine === true ? await takeDeltas(client, webhookIds, limit) : [];
    if (deltas.length > 0) {
      const byHour = sumBy(deltas, ({ hour, event_type }) => ({ start: hour, eventType: event_type }));
      await addToPeriods(client, HOURS, byHour);
      const ofTypes = sumBy(deltas, ({ hour, event_type }) => ({ start: dayOf(hour), eventType: event_type }));
      const ofAll = sumBy(deltas, ({ hour }) => ({ start: dayOf(hour), eventType: ALL_TYPES }));
      await addToPeriods(client, DAYS, [...ofTypes, ...ofAll]);
      await addToTotals(
        client,
        sumBy(deltas, () => ({ start: WHENEVER, eventType: ALL_TYPES })),
      );
    }
    return deltas.length;
  });
}

function dayOf(hour: Date): Date {
  return new Date(Math.floor(hour.getTime() / DAY_MS) * DAY_MS);
}

const WHENEVER = new Date(0);

async function takeDeltas(client: PoolClient, webhookIds: readonly string[], limit: number): Promise<Delta[]> {
  const result = await client.query<Delta>(
    `DELETE FROM stats_deltas WHERE id IN (
       SELECT id FROM stats_deltas WHERE webhook_id = ANY ($2::uuid[]) ORDER BY webhook_id LIMIT $1)
     RETURNING tenant_id, webhook_id, event_type, hour, created, successful, failed, cancelled, response_times_ms, last_delivery_at`,
    [limit, webhookIds],
  );
  return result.rows;
}

/** Sums by webhook and by what is made of a delta's hour and type. */
function sumBy(deltas: Delta[], partOf: (delta: Delta) => Pick<PeriodSum, 'start' | 'eventType'>): PeriodSum[] {
  const sums = new Map<string, PeriodSum>();
  for (const delta of deltas) {
    const { start, eventType } = partOf(delta);
    const key = nameOf(delta.webhook_id, start, eventType);
    const sum = sums.get(key) ?? {
      tenantId: delta.tenant_id,
      webhookId: delta.webhook_id,
      ...{ eventType, start },
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
    sums.set(key, sum);
  }
  return [...sums.values()];
}

function nameOf(webhookId: string, start: Date, eventType: string): string {
  return `${webhookId} ${start.getTime()} ${eventType}`;
}

async function addToPeriods(client: PoolClient, table: PeriodTable, sums: PeriodSum[]): Promise<void> {
  const histograms = await histogramsWith(client, table, sums);
  await client.query(
    `INSERT INTO ${table.name} AS s (webhook_id, ${table.start}, event_type, tenant_id, created, successful, failed, cancelled,
       response_time_count, response_time_ms_sum, histogram_buckets, histogram_counts)
     SELECT webhook_id, start, event_type, tenant_id, created, successful, failed, cancelled, times, ms, buckets::smallint[], counts::bigint[]
     FROM unnest($1::uuid[], $2::timestamptz[], $3::text[], $4::uuid[], $5::bigint[], $6::bigint[], $7::bigint[], $8::bigint[],
       $9::bigint[], $10::bigint[], $11::text[], $12::text[])
       AS d(webhook_id, start, event_type, tenant_id, created, successful, failed, cancelled, times, ms, buckets, counts)
     ON CONFLICT (webhook_id, ${table.start}, event_type) DO UPDATE SET
       created = s.created + excluded.created, successful = s.successful + excluded.successful, failed = s.failed + excluded.failed,
       cancelled = s.cancelled + excluded.cancelled, response_time_count = s.response_time_count + excluded.response_time_count,
       response_time_ms_sum = s.response_time_ms_sum + excluded.response_time_ms_sum,
       histogram_buckets = excluded.histogram_buckets, histogram_counts = excluded.histogram_counts`,
    [
      ...keysOf(sums),
      sums.map((sum) => sum.tenantId),
      ...counters(sums),
      histograms.map((histogram) => `{${histogram.buckets.join(',')}}`),
      histograms.map((histogram) => `{${histogram.counts.join(',')}}`),
    ],
  );
}

/** The histograms of the table with the response times of the sums, in their order. Only one fold runs at a time. */
async function histogramsWith(client: PoolClient, table: PeriodTable, sums: PeriodSum[]): Promise<LatencyHistogram[]> {
  const known = await client.query<{
    webhook_id: string;
    start: Date;
    event_type: string;
    histogram_buckets: number[];
    histogram_counts: string[];
  }>(
    `SELECT s.webhook_id, k.start, s.event_type, s.histogram_buckets, s.histogram_counts
     FROM unnest($1::uuid[], $2::timestamptz[], $3::text[]) AS k(webhook_id, start, event_type)
     JOIN ${table.name} s ON s.webhook_id = k.webhook_id AND s.${table.start} = k.start AND s.event_type = k.event_type`,
    keysOf(sums.filter(table.hasHistogram)),
  );
  const before = new Map<string, LatencyHistogram>(
    known.rows.map((row) => [
      nameOf(row.webhook_id, row.start, row.event_type),
      { buckets: row.histogram_buckets, counts: row.histogram_counts.map(Number) },
    ]),
  );
  return sums.map((sum) => {
    if (!table.hasHistogram(sum)) return NO_TIMES;
    const earlier = before.get(nameOf(sum.webhookId, sum.start, sum.eventType));
    return mergeHistograms(earlier === undefined ? [] : [earlier], sum.responseTimesMs);
  });
}

const NO_TIMES: LatencyHistogram = { buckets: [], counts: [] };

function keysOf(sums: PeriodSum[]): string[][] {
  return [
    sums.map((sum) => sum.webhookId),
    sums.map((sum) => sum.start.toISOString()),
    sums.map((sum) => sum.eventType),
  ];
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
