import { firstUuidAt, uuidTimeMs } from '#kernel/ids';
import type { RetentionSession } from './retention-session';

/**
 * What of a tenant's history goes: payloads and responses; the records too; or everything, unfinished work included,
 * as when the tenant is deleted.
 */
export type HistoryPart = 'payloads' | 'records' | 'everything';

/** Ids, half-open. */
export interface IdRange {
  fromId: string;
  untilId: string;
}

const ROWS_PER_BATCH = 1_000;
/** Tenants with more unfinished work are passed over, until it is less or their weeks are dropped. */
const MAX_LIVE_EVENTS = 100_000;
const BATCH_SPREAD_MS = 3_600_000;
/** Tells how many rows went. */
export type Deleted = (rows: number) => void | Promise<void>;

/** The events that pending deliveries of a tenant need; null when they are too many. */
export async function findLiveEvents(session: RetentionSession, tenantId: string): Promise<Set<string> | null> {
  const { rows } = await session.query<{ event_id: string }>(
    `SELECT d.event_id FROM (${WEBHOOKS_OF_TENANT}) w CROSS JOIN LATERAL (
       SELECT event_id FROM deliveries WHERE tenant_id = $1 AND webhook_id = w.id AND status = 'pending' OFFSET 0) d
     LIMIT ${MAX_LIVE_EVENTS + 1}`,
    [tenantId],
  );
  return rows.length > MAX_LIVE_EVENTS ? null : new Set(rows.map((row) => row.event_id));
}

/** Deletes a part of a tenant's deliveries in small batches, along the indexes; the unfinished ones stay unless everything goes. */
export async function deleteDeliveries(
  session: RetentionSession,
  tenantId: string,
  part: HistoryPart,
  range: IdRange,
  deleted: Deleted,
): Promise<void> {
  const statuses = part === 'everything' ? ['success', 'failed', 'pending'] : ['success', 'failed'];
  const { rows: webhooks } = await session.query<{ id: string }>(WEBHOOKS_OF_TENANT, [tenantId]);
  for (const { id: webhookId } of webhooks) {
    for (const status of statuses) await deleteOfStatus(session, { tenantId, webhookId, status }, part, range, deleted);
  }
}

/** Deletes a part of a tenant's events in small batches, save those that unfinished work needs. */
export async function deleteEvents(
  session: RetentionSession,
  tenantId: string,
  part: HistoryPart,
  range: IdRange,
  live: ReadonlySet<string>,
  deleted: Deleted,
): Promise<void> {
  let from = range.fromId;
  for (;;) {
    const last = await session.batch(async () => {
      const { rows } = await session.query<{ id: string }>(
        `SELECT id FROM events WHERE tenant_id = $1 AND id >= $2 AND id < $3 ORDER BY id LIMIT ${ROWS_PER_BATCH}`,
        [tenantId, from, range.untilId],
      );
      const all = rows.map((row) => row.id);
      const waiting = part === 'everything' ? new Set<string>() : await findFanOuts(session, all);
      const ids = part === 'everything' ? all : all.filter((id) => !live.has(id) && !waiting.has(id));
      await deleted(await deleteEventRows(session, tenantId, part, ids));
      return rows.length < ROWS_PER_BATCH ? undefined : all.at(-1);
    });
    if (last === undefined) return;
    from = after(last);
  }
}

const WEBHOOKS_OF_TENANT = `
  SELECT id FROM webhooks WHERE tenant_id = $1 AND deleted_at IS NULL
  UNION ALL SELECT id FROM webhooks WHERE tenant_id = $1 AND deleted_at IS NOT NULL`;

async function deleteOfStatus(
  session: RetentionSession,
  of: { tenantId: string; webhookId: string; status: string },
  part: HistoryPart,
  range: IdRange,
  deleted: Deleted,
): Promise<void> {
  let from = range.fromId;
  for (;;) {
    const last = await session.batch(async () => {
      const { rows } = await session.query<{ id: string; event_id: string; is_test: boolean }>(
        `SELECT id, event_id, is_test FROM deliveries
         WHERE tenant_id = $1 AND webhook_id = $2 AND status = $3 AND id >= $4 AND id < $5 ORDER BY id LIMIT ${ROWS_PER_BATCH}`,
        [of.tenantId, of.webhookId, of.status, from, range.untilId],
      );
      await deleted(await deleteDeliveryRows(session, of.tenantId, part, rows));
      return rows.length < ROWS_PER_BATCH ? undefined : rows.at(-1)?.id;
    });
    if (last === undefined) return;
    from = after(last);
  }
}

/** A test has a payload but no event. */
async function deleteDeliveryRows(
  session: RetentionSession,
  tenantId: string,
  part: HistoryPart,
  rows: { id: string; event_id: string; is_test: boolean }[],
): Promise<number> {
  const ids = rows.map((row) => row.id);
  const testEvents = rows.filter((row) => row.is_test).map((row) => row.event_id);
  let count = await deleteIds(session, tenantId, 'attempt_responses', 'delivery_id', ids);
  count += await deleteIds(session, tenantId, 'event_payloads', 'event_id', testEvents);
  if (part === 'payloads') return count;
  count += await deleteIds(session, tenantId, 'attempts', 'delivery_id', ids);
  if (part === 'everything') count += await deleteIds(session, tenantId, 'waiting_deliveries', 'delivery_id', ids);
  return count + (await deleteIds(session, tenantId, 'deliveries', 'id', ids));
}

async function deleteEventRows(
  session: RetentionSession,
  tenantId: string,
  part: HistoryPart,
  ids: string[],
): Promise<number> {
  let count = await deleteIds(session, tenantId, 'event_payloads', 'event_id', ids);
  if (part === 'payloads') return count;
  count += await deleteIds(session, tenantId, 'events', 'id', ids);
  if (part === 'everything') {
    // A batch may hold events of others, too; what is left of it then finds no event and goes when it is due.
    await session.query('DELETE FROM event_batches WHERE id = ANY ($1::uuid[]) AND event_ids <@ $1::uuid[]', [ids]);
  }
  return count;
}

/** Those of these events that are not fanned out; ids of one batch of events are of about the same instant. */
async function findFanOuts(session: RetentionSession, ids: string[]): Promise<Set<string>> {
  const [first, last] = [ids[0], ids.at(-1)];
  if (first === undefined || last === undefined) return new Set();
  const { rows } = await session.query<{ event_id: string }>(
    `SELECT event_id FROM event_batches f, unnest(f.event_ids) AS event_id
     WHERE f.id >= $2 AND f.id < $3 AND event_id = ANY ($1::uuid[])`,
    [ids, firstUuidAt(uuidTimeMs(first) - BATCH_SPREAD_MS), firstUuidAt(uuidTimeMs(last) + BATCH_SPREAD_MS)],
  );
  return new Set(rows.map((row) => row.event_id));
}

/** The range lets the planner leave out partitions. */
async function deleteIds(
  session: RetentionSession,
  tenantId: string,
  table: string,
  column: string,
  ids: string[],
): Promise<number> {
  if (ids.length === 0) return 0;
  const sorted = [...ids].sort();
  const result = await session.query(
    `DELETE FROM ${table} WHERE ${column} = ANY ($2::uuid[]) AND ${column} >= $3 AND ${column} <= $4 AND tenant_id = $1`,
    [tenantId, ids, sorted[0], sorted.at(-1)],
  );
  return result.rowCount ?? 0;
}

/** The smallest id behind one. */
function after(id: string): string {
  const next = (BigInt(`0x${id.replaceAll('-', '')}`) + 1n).toString(16).padStart(32, '0');
  return `${next.slice(0, 8)}-${next.slice(8, 12)}-${next.slice(12, 16)}-${next.slice(16, 20)}-${next.slice(20)}`;
}
