import type { EntityManager } from 'typeorm';
import { hourOfUuid } from '#kernel/hours';
import type { DeliveryRow } from '../delivery-history/history.queries';

/** Whether the event of a delivery can still be sent: its record and its payload are there. */
export async function isEventKept(manager: EntityManager, tenantId: string, eventId: string): Promise<boolean> {
  const rows: unknown[] = await manager.query(
    `SELECT FROM events e JOIN event_payloads p ON p.event_id = e.id
     WHERE e.tenant_id = $1 AND p.tenant_id = $1 AND e.id = $2 AND p.event_id = $2`,
    [tenantId, eventId],
  );
  return rows.length > 0;
}

/** Makes a delivery of the same event, due now, for any dispatcher to claim. */
export async function insertRedelivery(
  manager: EntityManager,
  tenantId: string,
  id: string,
  original: DeliveryRow,
): Promise<void> {
  await manager.query(
    `WITH made AS (
       INSERT INTO deliveries (id, tenant_id, webhook_id, event_id, event_type, status, state, next_attempt_at, original_delivery_id)
       VALUES ($2, $1, $3, $4, $5, 'pending', 'queued', now(), $6)
     ), waiting AS (
       INSERT INTO waiting_deliveries (delivery_id, tenant_id, webhook_id, due_at) VALUES ($2, $1, $3, now())
     )
     INSERT INTO stats_deltas (tenant_id, webhook_id, event_type, hour, created) VALUES ($1, $3, $5, $7, 1)`,
    [tenantId, id, original.webhook_id, original.event_id, original.event_type, original.id, hourOfUuid(id)],
  );
}

/** What came of a test delivery. */
export interface TestOutcome {
  id: string;
  webhookId: string;
  eventId: string;
  eventType: string;
  data: Buffer;
  isDelivered: boolean;
  startedAtMs: number;
  endedAtMs: number;
  durationMs: number;
  statusCode: number | null;
  errorClass: string | null;
  error: string | null;
  responseBody: Buffer;
  responseTruncated: boolean;
}

/** Keeps a test delivery: its payload, its one attempt and its response; it counts in no statistics. */
export async function insertTest(manager: EntityManager, tenantId: string, test: TestOutcome): Promise<void> {
  const startedAt = new Date(test.startedAtMs);
  await manager.query('INSERT INTO event_payloads (event_id, tenant_id, data) VALUES ($1, $2, $3)', [
    test.eventId,
    tenantId,
    test.data,
  ]);
  await manager.query(
    `WITH kept AS (
       INSERT INTO attempts (delivery_id, number, tenant_id, started_at, duration_ms, status_code, error_class, error)
       VALUES ($2, 1, $1, $8, $10, $11, $12, $13)
     )
     INSERT INTO deliveries (id, tenant_id, webhook_id, event_id, event_type, status, state, attempts, is_test, last_attempt_at,
       response_code, response_time_ms, error_class, error)
     VALUES ($2, $1, $3, $4, $5, $6, $7, 1, true, $9, $11, $10, $12, $13)`,
    [
      tenantId,
      test.id,
      test.webhookId,
      test.eventId,
      test.eventType,
      test.isDelivered ? 'success' : 'failed',
      test.isDelivered ? 'delivered' : 'exhausted',
      startedAt,
      new Date(test.endedAtMs),
      Math.round(test.durationMs),
      test.statusCode,
      test.errorClass,
      test.error,
    ],
  );
  if (test.responseBody.length > 0) {
    await manager.query(
      'INSERT INTO attempt_responses (delivery_id, number, tenant_id, body, truncated) VALUES ($1, 1, $2, $3, $4)',
      [test.id, tenantId, test.responseBody, test.responseTruncated],
    );
  }
}
