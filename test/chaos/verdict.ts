import type { Pool, QueryResultRow } from 'pg';
import { formatId } from '#kernel/ids';
import type { ChaosReceiver, SeenRequest } from './chaos-receiver';
import type { Crash } from './faults';
import type { Publisher } from './publisher';

/** Keys of promises that the receiver has not answered 200 to. */
export function findLost(publisher: Publisher, receiver: ChaosReceiver): string[] {
  return publisher.promised.filter(({ key }) => !receiver.succeeded.has(key)).map(({ key }) => key);
}

/** What is left to do, by the database; every number is 0 when all is quiet. */
export async function countUnfinished(pool: Pool): Promise<Record<string, number>> {
  const [row] = await rows<Record<string, string>>(
    pool,
    `SELECT (SELECT count(*) FROM deliveries WHERE status = 'pending') AS pending_deliveries,
       (SELECT count(*) FROM deliveries WHERE owner IS NOT NULL) AS owned_deliveries,
       (SELECT count(*) FROM waiting_deliveries) AS waiting_deliveries,
       (SELECT count(*) FROM event_batches) AS event_batches,
       (SELECT count(*) FROM ordered_deliveries) AS ordered_deliveries,
       (SELECT count(*) FROM ordering_queues) AS ordering_queues,
       (SELECT count(*) FROM stats_deltas) AS unfolded_statistics`,
  );
  return Object.fromEntries(Object.entries(row ?? {}).map(([name, count]) => [name, Number(count)]));
}

/** Deliveries answered 200 more than once, how many repetitions crashes allow, and those that no crash explains. */
export interface Duplicates {
  count: number;
  bound: number;
  unexplained: string[];
}

/** @param maxInFlight requests that one dispatcher can have in flight, by its settings. */
export function findDuplicates(
  requests: readonly SeenRequest[],
  crashes: readonly Crash[],
  maxInFlight: number,
): Duplicates {
  const wasInFlight = (request: SeenRequest, crash: Crash): boolean =>
    request.receivedAt <= crash.toAt && request.endedAt >= crash.fromAt;
  const successes = new Map<string, SeenRequest[]>();
  for (const request of requests) {
    if (request.status !== 200) continue;
    const same = successes.get(request.deliveryId);
    if (same === undefined) successes.set(request.deliveryId, [request]);
    else same.push(request);
  }
  let count = 0;
  const unexplained: string[] = [];
  for (const [deliveryId, answered] of successes) {
    for (const repeated of answered.slice(0, -1)) {
      count += 1;
      if (!crashes.some((crash) => wasInFlight(repeated, crash))) unexplained.push(deliveryId);
    }
  }
  const bound = crashes.reduce((sum, crash) => {
    const inFlight = requests.filter((request) => wasInFlight(request, crash)).length;
    return sum + Math.min(inFlight, maxInFlight * crash.dispatchers);
  }, 0);
  return { count, bound, unexplained };
}

/** Events that came to an ordered webhook before the one with the same key that was committed before them had succeeded. */
export function findOvertaking(requests: readonly SeenRequest[], orderedPaths: ReadonlySet<string>): string[] {
  const firstAt = new Map<string, number>();
  const succeededAt = new Map<string, number>();
  for (const { key, status, receivedAt, endedAt } of requests) {
    const [path = '', eventId = ''] = key.split(' ');
    const [, orderingKey, place] = eventId.split(':');
    if (!orderedPaths.has(path) || orderingKey === undefined || place === undefined) continue;
    const name = `${path} ${orderingKey} ${place}`;
    firstAt.set(name, Math.min(firstAt.get(name) ?? Infinity, receivedAt));
    if (status === 200) succeededAt.set(name, Math.min(succeededAt.get(name) ?? Infinity, endedAt));
  }
  return [...firstAt].flatMap(([name, atMs]) => {
    const [path = '', orderingKey = '', place = ''] = name.split(' ');
    if (place === '1') return [];
    const before = succeededAt.get(`${path} ${orderingKey} ${String(Number(place) - 1)}`) ?? Infinity;
    return atMs < before ? [name] : [];
  });
}

/** Where history, statistics and the receiver disagree, in words; empty when they agree. To be asked when all is quiet. */
export async function findDisagreements(
  pool: Pool,
  publisher: Publisher,
  receiver: ChaosReceiver,
  duplicates: Duplicates,
): Promise<string[]> {
  const problems: string[] = [];
  const expectNone = (what: string, count: number): void => {
    if (count !== 0) problems.push(`${what}: ${String(count)}`);
  };

  const recorded = new Set(
    (
      await rows<{ id: string }>(pool, `SELECT id FROM deliveries WHERE state = 'delivered' AND status = 'success'`)
    ).map(({ id }) => formatId('del', id)),
  );
  const received = new Set(
    receiver.requests.filter(({ status }) => status === 200).map(({ deliveryId }) => deliveryId),
  );
  expectNone('received but not recorded as delivered', [...received].filter((id) => !recorded.has(id)).length);
  expectNone('recorded as delivered but not received', [...recorded].filter((id) => !received.has(id)).length);
  expectNone('keys under several delivery ids', received.size - receiver.succeeded.size);
  expectNone('promises beside those received', publisher.promised.length - receiver.succeeded.size);

  const count = async (what: string, sql: string): Promise<void> => {
    const [row] = await rows<{ count: string }>(pool, sql);
    expectNone(what, Number(row?.count));
  };
  await count('deliveries not delivered', `SELECT count(*) FROM deliveries WHERE state <> 'delivered'`);
  await count(
    'deliveries whose attempts disagree with their log',
    `SELECT count(*) FROM deliveries d CROSS JOIN LATERAL (
       SELECT count(*) AS n, max(number) AS last, count(*) FILTER (WHERE status_code = 200) AS ok
       FROM attempts a WHERE a.delivery_id = d.id) log
     WHERE log.n <> d.attempts OR log.last <> d.attempts OR log.ok <> 1 OR d.response_code IS DISTINCT FROM 200`,
  );
  for (const [table, sums] of [
    ['webhook_totals', 'SELECT webhook_id, created, successful, failed, cancelled FROM webhook_totals'],
    [
      'hourly_stats',
      'SELECT webhook_id, sum(created) AS created, sum(successful) AS successful, sum(failed) AS failed, sum(cancelled) AS cancelled FROM hourly_stats GROUP BY 1',
    ],
  ] as const)
    await count(
      `webhooks whose ${table} disagree with their deliveries`,
      `SELECT count(*) FROM (${sums}) s FULL JOIN (
         SELECT webhook_id, count(*) AS n, count(*) FILTER (WHERE status = 'success') AS ok FROM deliveries GROUP BY 1) d
       USING (webhook_id)
       WHERE s.created IS DISTINCT FROM d.n OR s.successful IS DISTINCT FROM d.ok OR s.failed <> 0 OR s.cancelled <> 0`,
    );

  // A failed attempt that was in flight at a crash is seen by the receiver alone, and repeated.
  const [failures] = await rows<{ count: string }>(pool, 'SELECT count(*) FROM attempts WHERE status_code = 500');
  const seenFailures = receiver.requests.filter(({ status }) => status === 500).length;
  const unrecorded = seenFailures - Number(failures?.count);
  if (unrecorded < 0 || unrecorded > duplicates.bound)
    problems.push(`the receiver answered 500 ${String(seenFailures)} times, ${String(failures?.count)} are recorded`);
  return problems;
}

async function rows<T extends QueryResultRow>(pool: Pool, sql: string): Promise<T[]> {
  return (await pool.query<T>(sql)).rows;
}
