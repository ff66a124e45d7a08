import { firstUuidAt } from '#kernel/ids';
import { shorterOf, type RetentionDays } from '#database/retained-tables';
import type { RetentionSession } from './retention-session';
import { deleteDeliveries, deleteEvents, findLiveEvents, type HistoryPart } from './tenant-history.queries';

interface TenantRow {
  id: string;
  payload_days: number | null;
  record_days: number | null;
  payloads_until: string | null;
  records_until: string | null;
}

const DAY_MS = 86_400_000;
const FIRST_ID = '00000000-0000-0000-0000-000000000000';

/**
 * Deletes the history of tenants whose retention is shorter than the installation's, row by row, since it lies in the
 * same partitions as that of others. What was deleted before is remembered, so each run reads only what has come due
 * since. What unfinished work needs is left over, and goes with its partition.
 * @returns how many rows went.
 */
export async function applyShorterRetentions(
  session: RetentionSession,
  days: RetentionDays,
  nowMs: number,
): Promise<number> {
  const { rows: tenants } = await session.query<TenantRow>(
    `SELECT t.id, (t.limits ->> 'payload_retention_days')::integer AS payload_days,
       (t.limits ->> 'record_retention_days')::integer AS record_days, r.payloads_until, r.records_until
     FROM tenants t LEFT JOIN tenant_retention r ON r.tenant_id = t.id
     WHERE t.deleted_at IS NULL AND t.limits ?| ARRAY['payload_retention_days', 'record_retention_days']`,
  );
  let count = 0;
  for (const tenant of tenants) {
    const own = shorterOf(days, { payloadDays: tenant.payload_days, recordDays: tenant.record_days });
    const live = await findLiveEvents(session, tenant.id);
    if (live === null) continue;
    const deleteUntil = async (part: HistoryPart, fromId: string | null, keepDays: number): Promise<string> => {
      const range = { fromId: fromId ?? FIRST_ID, untilId: firstUuidAt(nowMs - keepDays * DAY_MS) };
      const note = (rows: number): void => {
        count += rows;
      };
      if (range.fromId >= range.untilId) return range.fromId;
      await deleteDeliveries(session, tenant.id, part, range, note);
      await deleteEvents(session, tenant.id, part, range, live, note);
      return range.untilId;
    };
    const payloadsUntil =
      own.payloadDays < days.payloadDays
        ? await deleteUntil('payloads', tenant.payloads_until, own.payloadDays)
        : FIRST_ID;
    const recordsUntil =
      own.recordDays < days.recordDays ? await deleteUntil('records', tenant.records_until, own.recordDays) : FIRST_ID;
    await session.query(
      `INSERT INTO tenant_retention (tenant_id, payloads_until, records_until) VALUES ($1, $2, $3)
       ON CONFLICT (tenant_id) DO UPDATE SET payloads_until = excluded.payloads_until, records_until = excluded.records_until`,
      [tenant.id, payloadsUntil, recordsUntil],
    );
  }
  return count;
}
