import type { EntityManager } from 'typeorm';

/** What is known of a webhook's deliveries since it was made; test deliveries are not among them. */
export interface WebhookTotals {
  created: number;
  successful: number;
  /** Given up after attempts. */
  failed: number;
  cancelled: number;
  averageResponseTimeMs: number | null;
  lastDeliveryAt: Date | null;
}

interface TotalsRow {
  webhook_id: string;
  created: string;
  successful: string;
  failed: string;
  cancelled: string;
  average_response_time_ms: number | null;
  last_delivery_at: Date | null;
}

// Both tables in one statement: a fold between two would count its deltas twice or not at all.
const TOTALS = `
  SELECT webhook_id, sum(created) AS created, sum(successful) AS successful, sum(failed) AS failed, sum(cancelled) AS cancelled,
    round(sum(times_sum) / nullif(sum(times), 0))::integer AS average_response_time_ms, max(last_delivery_at) AS last_delivery_at
  FROM (
    SELECT webhook_id, created, successful, failed, cancelled, response_time_count AS times, response_time_ms_sum AS times_sum,
      last_delivery_at
    FROM webhook_totals WHERE tenant_id = $1 AND webhook_id = ANY ($2::uuid[])
    UNION ALL
    SELECT webhook_id, created, successful, failed, cancelled, cardinality(response_times_ms),
      (SELECT coalesce(sum(ms), 0) FROM unnest(response_times_ms) AS ms), last_delivery_at
    FROM stats_deltas WHERE tenant_id = $1 AND webhook_id = ANY ($2::uuid[])
  ) counted
  GROUP BY webhook_id`;

/** The totals of webhooks by their ids; one that never had a delivery has zeros. */
export async function readTotals(
  manager: EntityManager,
  tenantId: string,
  webhookIds: string[],
): Promise<Map<string, WebhookTotals>> {
  const totals = new Map<string, WebhookTotals>(webhookIds.map((id) => [id, NO_TOTALS]));
  if (webhookIds.length === 0) return totals;
  const rows: TotalsRow[] = await manager.query(TOTALS, [tenantId, webhookIds]);
  for (const row of rows) {
    totals.set(row.webhook_id, {
      created: Number(row.created),
      successful: Number(row.successful),
      failed: Number(row.failed),
      cancelled: Number(row.cancelled),
      averageResponseTimeMs: row.average_response_time_ms,
      lastDeliveryAt: row.last_delivery_at,
    });
  }
  return totals;
}

export const NO_TOTALS: WebhookTotals = {
  created: 0,
  successful: 0,
  failed: 0,
  cancelled: 0,
  averageResponseTimeMs: null,
  lastDeliveryAt: null,
};
