import { firstUuidAt } from '#kernel/ids';
import type { RetentionSession } from './retention-session';

const WEBHOOKS_PER_BATCH = 200;
const ROWS_PER_BATCH = 1_000;
const DAY_MS = 86_400_000;
/** Weeks of history go up to seven days late, and what refers to them goes later still. */
const LATER_DAYS = 14;

/** Deletes statistics by hour and by day older than this, webhook by webhook along the index; a day once all of it is. */
export async function deleteOldStats(session: RetentionSession, keepDays: number, nowMs: number): Promise<number> {
  const before = new Date(nowMs - keepDays * DAY_MS);
  let count = 0;
  let after: string | undefined = '00000000-0000-0000-0000-000000000000';
  while (after !== undefined) {
    const from: string = after;
    after = await session.batch(async () => {
      // Jumps from webhook to webhook; days outlive their hours.
      const { rows } = await session.query<{ webhook_id: string }>(
        `WITH RECURSIVE webhook AS (
           (SELECT webhook_id FROM daily_stats WHERE webhook_id > $1 ORDER BY webhook_id LIMIT 1)
           UNION ALL
           SELECT (SELECT s.webhook_id FROM daily_stats s WHERE s.webhook_id > webhook.webhook_id ORDER BY s.webhook_id LIMIT 1)
           FROM webhook WHERE webhook_id IS NOT NULL)
         SELECT webhook_id FROM webhook WHERE webhook_id IS NOT NULL LIMIT ${WEBHOOKS_PER_BATCH}`,
        [from],
      );
      const deleted = await session.query(
        'DELETE FROM hourly_stats WHERE webhook_id = ANY ($1::uuid[]) AND hour < $2',
        [rows.map((row) => row.webhook_id), before],
      );
      await session.query(
        `DELETE FROM daily_stats WHERE webhook_id = ANY ($1::uuid[]) AND day <= $2::timestamptz - interval '24 hours'`,
        [rows.map((row) => row.webhook_id), before],
      );
      count += deleted.rowCount ?? 0;
      return rows.at(-1)?.webhook_id;
    });
  }
  return count;
}

/** Deletes what is left of webhooks, tokens and users that were deleted longer ago than records are kept. */
export async function deleteFormer(session: RetentionSession, recordDays: number, nowMs: number): Promise<number> {
  const before = new Date(nowMs - (recordDays + LATER_DAYS) * DAY_MS);
  const tokens = await session.query(
    `DELETE FROM tokens WHERE id IN (SELECT id FROM tokens WHERE revoked_at < $1 OR expires_at < $1 LIMIT ${ROWS_PER_BATCH})`,
    [before],
  );
  const webhooks = await deleteFormerWebhooks(session, before);
  const users = await session.query(
    `DELETE FROM users u WHERE id IN (
       SELECT id FROM users f WHERE deleted_at < $1 AND ${UNREFERENCED.join(' AND ')} LIMIT ${ROWS_PER_BATCH})`,
    [before],
  );
  return (tokens.rowCount ?? 0) + webhooks + (users.rowCount ?? 0);
}

const UNREFERENCED = [
  'NOT EXISTS (SELECT FROM tokens t WHERE t.user_id = f.id)',
  'NOT EXISTS (SELECT FROM webhooks w WHERE w.created_by = f.id)',
  'NOT EXISTS (SELECT FROM inbound_endpoints e WHERE e.created_by = f.id)',
];

/** Those whose last deliveries are gone, so that none becomes unreachable. */
async function deleteFormerWebhooks(session: RetentionSession, before: Date): Promise<number> {
  let count = 0;
  let after: string | undefined = firstUuidAt(0);
  while (after !== undefined) {
    const from: string = after;
    after = await session.batch(async () => {
      const { rows } = await session.query<{ id: string; gone: boolean }>(
        // Subqueries that stay what they are: joins might read the whole history.
        `SELECT id, (SELECT true FROM deliveries d WHERE d.webhook_id = w.id LIMIT 1) IS NULL
           AND (SELECT true FROM inbound_actions a WHERE a.webhook_id = w.id LIMIT 1) IS NULL AS gone
         FROM webhooks w WHERE deleted_at < $1 AND id > $2 ORDER BY id LIMIT ${WEBHOOKS_PER_BATCH}`,
        [before, from],
      );
      const ids = rows.filter((row) => row.gone).map((row) => row.id);
      for (const table of [
        'hourly_stats',
        'daily_stats',
        'stats_deltas',
        'webhook_totals',
        'webhook_health',
        'webhook_leases',
      ]) {
        await session.query(`DELETE FROM ${table} WHERE webhook_id = ANY ($1::uuid[])`, [ids]);
      }
      await session.query('DELETE FROM webhooks WHERE id = ANY ($1::uuid[])', [ids]);
      count += ids.length;
      return rows.at(-1)?.id;
    });
  }
  return count;
}
