import type { EntityManager } from 'typeorm';

/** How much of a minute's tests of a webhook is used. */
export interface TestWindow {
  /** This one included. */
  sent: number;
  secondsLeft: number;
}

// Never back: a transaction that began in the minute before may come second.
const COUNT = `
  INSERT INTO test_rate_windows AS w (webhook_id, tenant_id, started_at, sent) VALUES ($2, $1, date_trunc('minute', clock_timestamp()), 1)
  ON CONFLICT (webhook_id) DO UPDATE SET
    sent = CASE WHEN w.started_at >= excluded.started_at THEN w.sent + 1 ELSE 1 END,
    started_at = greatest(w.started_at, excluded.started_at)
  RETURNING sent, greatest(1, ceil(extract(epoch FROM started_at + interval '1 minute' - clock_timestamp())))::integer AS seconds_left`;

/** Counts a test of a webhook, over all instances of the API; rolling back takes it off again. */
export async function countTest(manager: EntityManager, tenantId: string, webhookId: string): Promise<TestWindow> {
  const rows: { sent: number; seconds_left: number }[] = await manager.query(COUNT, [tenantId, webhookId]);
  return { sent: rows[0]?.sent ?? 1, secondsLeft: rows[0]?.seconds_left ?? 1 };
}
