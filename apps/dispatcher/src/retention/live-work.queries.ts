import { firstUuidAt } from '#kernel/ids';
import type { RetentionSession } from './retention-session';

/** Unfinished work that needs rows of a range of ids. */
export interface LiveWork {
  /** Batches of events that are not fanned out, by event. */
  fanOuts: number;
  /** Ids in the range: pending deliveries, and events of pending deliveries wherever those lie. */
  deliveryIds: string[];
  eventIds: string[];
  /** Runs of inbound actions that are not finished. */
  inboundRuns: number;
  /** Whether there is more than this says. */
  isTooMuch: boolean;
}

interface PendingRow {
  webhook_id: string;
  id: string | null;
  event_id: string | null;
}

/** Beyond so many the search ends: that much work keeps its partition as it is. */
const MAX_LIVE_WORK = 10_000;

const WEBHOOKS_PER_STATEMENT = 500;
/** Ids of one batch of events are of about the same instant. */
const BATCH_SPREAD_MS = 3_600_000;

// The OFFSET keeps the planner from making a join of it that reads the whole history: an index look-up per webhook.
const PENDING = `
  SELECT w.id AS webhook_id, d.id, d.event_id
  FROM (SELECT id FROM webhooks WHERE id > $1 ORDER BY id LIMIT ${WEBHOOKS_PER_STATEMENT}) w
  LEFT JOIN LATERAL (
    SELECT id, event_id FROM deliveries
    WHERE webhook_id = w.id AND status = 'pending' AND (event_id >= $2 AND event_id < $3 OR id >= $2 AND id < $3) OFFSET 0) d ON true
  ORDER BY w.id LIMIT $4`;

/**
 * Finds work by what it is, pending or not, and not by where it waits, since deliveries move between dispatchers and the
 * database all the time. Fan-outs are looked at first: what is fanned out meanwhile is then found as deliveries.
 */
export async function findLiveWork(
  session: RetentionSession,
  range: { fromId: string; untilId: string; fromMs: number; untilMs: number },
): Promise<LiveWork> {
  const bounds = [range.fromId, range.untilId];
  const fanOuts = await session.query<{ count: number }>(
    `SELECT count(*)::integer AS count FROM event_batches f, unnest(f.event_ids) AS event_id
     WHERE f.id >= $3 AND f.id < $4 AND event_id >= $1 AND event_id < $2`,
    [...bounds, firstUuidAt(range.fromMs - BATCH_SPREAD_MS), firstUuidAt(range.untilMs + BATCH_SPREAD_MS)],
  );
  const inbound = await session.query<{ count: number }>(
    `SELECT count(*)::integer AS count FROM (
       SELECT FROM waiting_inbound_actions WHERE run_id >= $1 AND run_id < $2 LIMIT ${MAX_LIVE_WORK}) w`,
    bounds,
  );
  const [deliveryIds, eventIds] = [new Set<string>(), new Set<string>()];
  const isInRange = (id: string): boolean => id >= range.fromId && id < range.untilId;
  const limit = WEBHOOKS_PER_STATEMENT + MAX_LIVE_WORK;
  let isTooMuch = false;
  let after: string | undefined = '00000000-0000-0000-0000-000000000000';
  while (after !== undefined && !isTooMuch) {
    const values: unknown[] = [after, ...bounds, limit];
    const { rows }: { rows: PendingRow[] } = await session.batch(() => session.query<PendingRow>(PENDING, values));
    for (const { id, event_id: eventId } of rows) {
      if (id !== null && isInRange(id)) deliveryIds.add(id);
      if (eventId !== null && isInRange(eventId)) eventIds.add(eventId);
    }
    isTooMuch = rows.length === limit || deliveryIds.size + eventIds.size > MAX_LIVE_WORK;
    after = rows.at(-1)?.webhook_id;
  }
  return {
    fanOuts: fanOuts.rows[0]?.count ?? 0,
    deliveryIds: [...deliveryIds],
    eventIds: [...eventIds],
    inboundRuns: inbound.rows[0]?.count ?? 0,
    isTooMuch,
  };
}
