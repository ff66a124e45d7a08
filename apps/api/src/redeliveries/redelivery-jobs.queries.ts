import type { EntityManager } from 'typeorm';
import type { DeliveryStatus } from '../delivery-history/delivery-status';
import type { PageQuery } from '../http/page';

export type RedeliveryJobStatus = 'pending' | 'running' | 'completed' | 'cancelled' | 'failed';

/** Which deliveries a bulk redelivery means; ids half-open. */
export interface RedeliverySelection {
  deliveryStatus: DeliveryStatus;
  /** Null for all. */
  eventTypes: string[] | null;
  fromId: string;
  untilId: string;
}

export interface RedeliveryJobRow {
  id: string;
  webhook_id: string;
  status: RedeliveryJobStatus;
  reason: string | null;
  delivery_status: DeliveryStatus;
  event_types: string[] | null;
  start_at: Date | null;
  end_at: Date | null;
  rate_per_second: number;
  matched: string;
  redelivered: string;
  skipped: string;
  created_at: Date;
  started_at: Date | null;
  finished_at: Date | null;
}

/** A job as it is asked for. */
export interface NewRedeliveryJob extends RedeliverySelection {
  id: string;
  webhookId: string;
  startAt: Date | null;
  endAt: Date | null;
  ratePerSecond: number;
  matched: number;
  createdAt: Date;
}

const COLUMNS =
  'id, webhook_id, status, reason, delivery_status, event_types, start_at, end_at, rate_per_second, matched, redelivered, skipped, created_at, started_at, finished_at';

/** Counts the deliveries of a selection, tests left out: one by one, as they would be gone through. */
export async function countSelected(
  manager: EntityManager,
  tenantId: string,
  webhookId: string,
  { deliveryStatus, eventTypes, fromId, untilId }: RedeliverySelection,
): Promise<number> {
  const rows: { count: string }[] = await manager.query(
    `SELECT count(*) FROM deliveries
     WHERE tenant_id = $1 AND webhook_id = $2 AND status = $3 AND id >= $4 AND id < $5 AND NOT is_test
       AND ($6::text[] IS NULL OR event_type = ANY ($6))`,
    [tenantId, webhookId, deliveryStatus, fromId, untilId, eventTypes],
  );
  return Number(rows[0]?.count ?? 0);
}

/** @returns null when another job of the webhook is not finished. */
export async function insertJob(
  manager: EntityManager,
  tenantId: string,
  job: NewRedeliveryJob,
): Promise<RedeliveryJobRow | null> {
  // Ids made from an instant alone are of no delivery, so going on after the first means all from it on.
  const rows: RedeliveryJobRow[] = await manager.query(
    `INSERT INTO redelivery_jobs (id, tenant_id, webhook_id, delivery_status, event_types, start_at, end_at, rate_per_second,
       matched, after_id, until_id, created_at)
     VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12)
     ON CONFLICT (webhook_id) WHERE status IN ('pending', 'running') DO NOTHING RETURNING ${COLUMNS}`,
    [
      job.id,
      tenantId,
      job.webhookId,
      job.deliveryStatus,
      job.eventTypes,
      job.startAt,
      job.endAt,
      job.ratePerSecond,
      job.matched,
      job.fromId,
      job.untilId,
      job.createdAt,
    ],
  );
  return rows[0] ?? null;
}

/** One job of a webhook, or null. */
export async function findJob(
  manager: EntityManager,
  tenantId: string,
  webhookId: string,
  id: string,
): Promise<RedeliveryJobRow | null> {
  const rows: RedeliveryJobRow[] = await manager.query(
    `SELECT ${COLUMNS} FROM redelivery_jobs WHERE tenant_id = $1 AND webhook_id = $2 AND id = $3`,
    [tenantId, webhookId, id],
  );
  return rows[0] ?? null;
}

/** One page of the jobs of a webhook, newest first, and how many there are. */
export async function listJobs(
  manager: EntityManager,
  tenantId: string,
  webhookId: string,
  { limit, offset }: PageQuery,
): Promise<{ jobs: RedeliveryJobRow[]; total: number }> {
  const jobs: RedeliveryJobRow[] = await manager.query(
    `SELECT ${COLUMNS} FROM redelivery_jobs WHERE tenant_id = $1 AND webhook_id = $2 ORDER BY id DESC LIMIT $3 OFFSET $4`,
    [tenantId, webhookId, limit, offset],
  );
  const counted: { total: number }[] = await manager.query(
    'SELECT count(*)::integer AS total FROM redelivery_jobs WHERE tenant_id = $1 AND webhook_id = $2',
    [tenantId, webhookId],
  );
  return { jobs, total: counted[0]?.total ?? 0 };
}

/** Ends a job that is not finished; waits for a round under way, whose deliveries go on. */
export async function cancelJob(
  manager: EntityManager,
  tenantId: string,
  webhookId: string,
  id: string,
  reason: string,
): Promise<void> {
  await manager.query(
    `UPDATE redelivery_jobs SET status = 'cancelled', reason = $4, finished_at = now()
     WHERE tenant_id = $1 AND webhook_id = $2 AND id = $3 AND status IN ('pending', 'running')`,
    [tenantId, webhookId, id, reason],
  );
}
