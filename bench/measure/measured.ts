import type { LoadResult, ReceivedResult, Target } from '../load/load-messages';
import { quantile } from './statistics';

/** The processes whose CPU time is measured. */
export type Role = 'api' | 'dispatcher' | 'postgres' | 'redis' | 'receiver' | 'generator';
export type Usage = Record<Role, number>;

export interface Latency {
  p50: number;
  p90: number;
  p99: number;
  max: number;
  count: number;
}

/** What one load came to, within its measuring window. */
export interface Measured {
  acceptedPerSecond: number;
  /** Also outside of the window. */
  acceptedInAll: number;
  deliveredPerSecond: number;
  /** Milliseconds from the instant a request was due until its 202. */
  accept: Latency;
  /** Milliseconds from the instant a request was due until the receiver had the delivery; by target too. */
  delivery: Latency;
  deliveryMs: { target: number; at: number; ms: number }[];
  acceptMs: number[];
  /** CPU seconds for 1,000 deliveries, or for 1,000 events where nothing is delivered. */
  cpuPerThousand: Usage;
  /** MiB: of api and dispatcher the largest resident set, of Postgres the proportional set. */
  peakMebibytes: Partial<Record<Role, number>>;
  /** From the last 202 until everything was delivered and recorded. */
  drainSeconds: number;
  /** Answers 429 and 503. */
  refused: number;
  problems: string[];
}

interface Window {
  from: number;
  until: number;
  before: Usage;
  after: Usage;
}

/** Counts what fell into the window, and how long it took. */
export function summarise(
  targets: readonly Target[],
  load: LoadResult,
  received: ReceivedResult,
  { from, until, before, after }: Window,
): Omit<Measured, 'peakMebibytes' | 'drainSeconds' | 'problems'> {
  const isInside = (at: number): boolean => at >= from && at < until;
  const acceptMs: number[] = [];
  const requestOf = new Map<string, number>();
  let accepted = 0;
  let refused = 0;
  for (let index = 0; index < load.status.length; index += 1) {
    const ids = load.eventIds[index] ?? [];
    for (const id of ids) requestOf.set(id, index);
    if (load.status[index] === 429 || load.status[index] === 503) refused += 1;
    if (isInside(load.answeredAt[index] ?? 0)) accepted += ids.length;
    if (ids.length > 0 && isInside(load.intendedAt[index] ?? 0))
      acceptMs.push((load.answeredAt[index] ?? 0) - (load.intendedAt[index] ?? 0));
  }
  const deliveryMs: Measured['deliveryMs'] = [];
  let delivered = 0;
  for (let index = 0; index < received.keys.length; index += 1) {
    if (received.status[index] !== 200) continue;
    const at = received.at[index] ?? 0;
    if (isInside(at)) delivered += 1;
    const key = received.keys[index] ?? '';
    const request = requestOf.get(key.slice(key.indexOf(' ') + 1));
    const intendedAt = request === undefined ? 0 : (load.intendedAt[request] ?? 0);
    if (request === undefined || !isInside(intendedAt)) continue;
    deliveryMs.push({ target: load.target[request] ?? 0, at: intendedAt - from, ms: at - intendedAt });
  }
  const thousands = (targets.some(({ paths }) => paths.length > 0) ? delivered : accepted) / 1_000;
  const seconds = (until - from) / 1_000;
  return {
    acceptedPerSecond: accepted / seconds,
    acceptedInAll: requestOf.size,
    deliveredPerSecond: delivered / seconds,
    accept: latencyOf(acceptMs),
    delivery: latencyOf(deliveryMs.map(({ ms }) => ms)),
    deliveryMs,
    acceptMs,
    refused,
    cpuPerThousand: Object.fromEntries(
      Object.entries(after).map(([role, seconds]) => [role, (seconds - before[role as Role]) / thousands]),
    ) as Usage,
  };
}

export function latencyOf(ms: readonly number[]): Latency {
  return {
    p50: quantile(ms, 0.5),
    p90: quantile(ms, 0.9),
    p99: quantile(ms, 0.99),
    max: ms.reduce((most, value) => Math.max(most, value), 0),
    count: ms.length,
  };
}
