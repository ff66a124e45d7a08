import type { Pool } from 'pg';
import { plainColumn } from '#database/plain-array';
import type { DeliveryWork } from '../lanes/delivery-work';

/** A webhook and its tenant. */
export interface WebhookKey {
  tenantId: string;
  webhookId: string;
}

/** How many deliveries a webhook's lane takes. */
export interface LaneRoom extends WebhookKey {
  room: number;
}

/** Webhooks of which a delivery is due, found by jumping from one to the next in the index. */
export async function findDueWebhooks(pool: Pool, after: string | null, limit: number): Promise<WebhookKey[]> {
  const result = await pool.query<{ webhook_id: string; tenant_id: string }>({
    name: 'find-due-webhooks',
    text: `
      WITH RECURSIVE due AS (
        (SELECT webhook_id, tenant_id, due_at FROM waiting_deliveries WHERE webhook_id > coalesce($1::uuid, '00000000-0000-0000-0000-000000000000')
         ORDER BY webhook_id, due_at LIMIT 1)
        UNION ALL
        SELECT next.webhook_id, next.tenant_id, next.due_at FROM due CROSS JOIN LATERAL (
          SELECT webhook_id, tenant_id, due_at FROM waiting_deliveries w WHERE w.webhook_id > due.webhook_id ORDER BY webhook_id, due_at LIMIT 1) next
      )
      SELECT webhook_id, tenant_id FROM due WHERE due_at <= now() LIMIT $2`,
    values: [after, limit],
  });
  return result.rows.map((row) => ({ webhookId: row.webhook_id, tenantId: row.tenant_id }));
}

/**
 * Webhooks of which a delivery has fallen due since a moment of the database's clock, or in the two seconds before it,
 * in which a commit may have come late.
 * @param since null for the last two seconds
 * @param limit of deliveries looked at, the earliest due first
 * @returns with the moment to go on from
 */
export async function findNewlyDueWebhooks(
  pool: Pool,
  since: Date | null,
  limit: number,
): Promise<{ webhooks: WebhookKey[]; at: Date }> {
  const result = await pool.query<{ at: Date; webhook_id: string | null; tenant_id: string | null }>({
    name: 'find-newly-due-webhooks',
    text: `
      WITH look AS (SELECT now() AS at)
      SELECT DISTINCT look.at, due.webhook_id, due.tenant_id FROM look LEFT JOIN LATERAL (
        SELECT webhook_id, tenant_id FROM waiting_deliveries
        WHERE due_at > coalesce($1, look.at) - interval '2 seconds' AND due_at <= look.at ORDER BY due_at LIMIT $2) due ON true`,
    values: [since, limit],
  });
  return {
    at: result.rows[0]?.at ?? new Date(0),
    webhooks: result.rows.flatMap(({ webhook_id, tenant_id }) =>
      webhook_id === null || tenant_id === null ? [] : [{ webhookId: webhook_id, tenantId: tenant_id }],
    ),
  };
}

interface ClaimedRow {
  id: string;
  epoch: number;
  tenant_id: string;
  webhook_id: string;
  attempts: number;
  probes: number;
  event_id: string;
  event_type: string;
  project_id: string | null;
  client_event_id: string | null;
  occurred_at: Date;
  version: string;
  priority: number;
  data: Buffer | null;
  key_hash: Buffer | null;
  webhooks_version: string;
}

/** A claimed delivery with the version of its tenant's webhooks; `data` is missing once retention took the payload. */
export interface ClaimedDelivery {
  work: DeliveryWork;
  payloadGone: boolean;
  webhooksVersion: bigint;
}

// One statement, so one commit. Of ten, six of high priority, three of normal and one of low, as far as there are any; see
// `work-queue.ts`. Ranges of the three columns, not equality of two, so that no index but theirs gives the order, and arrays,
// so that rows are found by their ids: of a million that wait for one webhook, the planner else went through all (390 ms for
// 128). The ends of the ids leave out partitions as the statement runs.
const CLAIM = `
WITH me AS (
  SELECT id FROM dispatchers WHERE id = $1 FOR KEY SHARE
), picked AS (
  SELECT w.delivery_id FROM me CROSS JOIN unnest($2::uuid[], $3::integer[]) AS lane(webhook_id, room)
  CROSS JOIN LATERAL (
    SELECT delivery_id FROM (
      SELECT delivery_id, row_number() OVER (PARTITION BY priority ORDER BY due_at, delivery_id) / weight AS place
      FROM (VALUES (1, 6.0), (0, 3.0), (-1, 1.0)) AS level(priority, weight)
      CROSS JOIN LATERAL (
        SELECT delivery_id, due_at FROM waiting_deliveries d
        WHERE (d.webhook_id, d.priority, d.due_at) >= (lane.webhook_id, level.priority::smallint, '-infinity'::timestamptz)
          AND (d.webhook_id, d.priority, d.due_at) <= (lane.webhook_id, level.priority::smallint, now())
        ORDER BY d.webhook_id, d.priority, d.due_at, d.delivery_id LIMIT lane.room FOR UPDATE SKIP LOCKED) due
    ) ranked ORDER BY place LIMIT lane.room) w
), taken AS (
  DELETE FROM waiting_deliveries WHERE delivery_id = ANY(ARRAY(SELECT delivery_id FROM picked)) RETURNING delivery_id
), owned AS (
  UPDATE deliveries d SET owner = $1, epoch = d.epoch + 1, state = 'in_flight', next_attempt_at = NULL
  WHERE d.id = ANY(ARRAY(SELECT delivery_id FROM taken)) AND d.status = 'pending' AND d.owner IS NULL
    AND d.id >= (SELECT delivery_id FROM taken ORDER BY delivery_id LIMIT 1)
    AND d.id <= (SELECT delivery_id FROM taken ORDER BY delivery_id DESC LIMIT 1)
  RETURNING d.id, d.epoch, d.tenant_id, d.webhook_id, d.attempts, d.probes, d.event_id
)
SELECT owned.*, e.type AS event_type, e.project_id, e.client_event_id, e.occurred_at, e.version, e.priority, p.data,
  (SELECT webhooks_version FROM tenants t WHERE t.id = owned.tenant_id) AS webhooks_version,
  CASE WHEN e.ordering_key IS NOT NULL THEN (
    SELECT o.key_hash FROM ordered_deliveries o WHERE o.webhook_id = owned.webhook_id AND o.event_id = owned.event_id) END AS key_hash
FROM owned
CROSS JOIN LATERAL (
  SELECT type, project_id, client_event_id, occurred_at, version, priority, ordering_key FROM events
  WHERE id = owned.event_id OFFSET 0) e
LEFT JOIN LATERAL (SELECT data FROM event_payloads WHERE event_id = owned.event_id OFFSET 0) p ON true
ORDER BY owned.id`;

/** Takes due deliveries for lanes that have room, oldest first; each goes to one dispatcher only. */
export async function claimDue(pool: Pool, dispatcherId: string, rooms: LaneRoom[]): Promise<ClaimedDelivery[]> {
  const { rows } = await pool.query<ClaimedRow>({
    name: 'claim-due',
    text: CLAIM,
    values: [dispatcherId, plainColumn(rooms, ({ webhookId }) => webhookId), plainColumn(rooms, ({ room }) => room)],
  });
  return rows.map((row) => toClaimed(row, dispatcherId));
}

function toClaimed(row: ClaimedRow, owner: string): ClaimedDelivery {
  return {
    payloadGone: row.data === null,
    webhooksVersion: BigInt(row.webhooks_version),
    work: {
      id: row.id,
      owner,
      epoch: row.epoch,
      tenantId: row.tenant_id,
      webhookId: row.webhook_id,
      attempts: row.attempts,
      probes: row.probes,
      batch: null,
      keyHash: row.key_hash,
      event: {
        id: row.event_id,
        tenantId: row.tenant_id,
        projectId: row.project_id,
        type: row.event_type,
        clientEventId: row.client_event_id,
        occurredAtMs: row.occurred_at.getTime(),
        version: row.version,
        priority: row.priority,
        data: row.data ?? Buffer.alloc(0),
      },
    },
  };
}
