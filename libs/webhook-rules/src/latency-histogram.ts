/**
 * A mergeable histogram of response times in whole milliseconds. Buckets grow by 4 %, so that the middle of
 * one is within 2 % of everything in it; only those that hold something are kept.
 */
export interface LatencyHistogram {
  /** Ascending. */
  buckets: number[];
  counts: number[];
}

const GROWTH = Math.log(1.04);

/** Adds response times (ms) and other histograms together. */
export function mergeHistograms(
  histograms: Iterable<LatencyHistogram>,
  responseTimesMs: Iterable<number> = [],
): LatencyHistogram {
  const sums = new Map<number, number>();
  for (const histogram of histograms) {
    for (const [index, bucket] of histogram.buckets.entries()) {
      sums.set(bucket, (sums.get(bucket) ?? 0) + (histogram.counts[index] ?? 0));
    }
  }
  for (const ms of responseTimesMs) {
    const bucket = bucketOf(ms);
    sums.set(bucket, (sums.get(bucket) ?? 0) + 1);
  }
  const buckets = [...sums.keys()].sort((a, b) => a - b);
  return { buckets, counts: buckets.map((bucket) => sums.get(bucket) ?? 0) };
}

/**
 * The response time (ms) that a share of all does not exceed, by nearest rank, within 2 % of exact; null when
 * there is none. `share` is from 0 to 1: 0.95 for p95.
 */
export function percentileMs(histogram: LatencyHistogram, share: number): number | null {
  const total = histogram.counts.reduce((sum, count) => sum + count, 0);
  if (total === 0) return null;
  const rank = Math.max(1, Math.ceil(total * share));
  let seen = 0;
  for (const [index, bucket] of histogram.buckets.entries()) {
    seen += histogram.counts[index] ?? 0;
    if (seen >= rank) return middleOf(bucket);
  }
  return null;
}

/** Bucket 0 holds 0 ms, bucket n the times in (1.04^(n-2), 1.04^(n-1)]. */
function bucketOf(ms: number): number {
  if (ms < 1) return 0;
  // The tiny step down keeps exact powers in their own bucket in spite of rounding.
  return 1 + Math.max(0, Math.ceil(Math.log(ms) / GROWTH - 1e-9));
}

function middleOf(bucket: number): number {
  return bucket === 0 ? 0 : Math.max(1, Math.round(Math.exp((bucket - 1.5) * GROWTH)));
}
