import { Injectable } from '@nestjs/common';
import { TenantDatabase } from '#database/tenant-database';
import { eventKeyHash } from '#accept/accept-events';
import { deliveryUuidRange, firstUuidAt, formatId, parseId } from '#kernel/ids';

export interface EventRow {
  id: string;
  project_id: string | null;
  type: string;
  client_event_id: string | null;
  occurred_at: Date;
  version: string;
  priority: number;
  ordering_key: string | null;
  deliver_at: Date | null;
  cancelled_at: Date | null;
}

export interface EventDeliveryRow {
  id: string;
  webhook_id: string;
  status: string;
  state: string;
  attempts: number;
  response_code: number | null;
  error: string | null;
  next_attempt_at: Date | null;
}

export interface EventFilter {
  /** Only events of this project, as for a token that is bound to one. */
  projectId: string | null;
  type: string | null;
  startMs: number | null;
  endMs: number | null;
  /** UUID of the last event of the page before. */
  before: string | null;
  limit: number;
}

const COLUMNS =
  'id, project_id, type, client_event_id, occurred_at, version, priority, ordering_key, deliver_at, cancelled_at';
const MAX_DELIVERIES = 1_000;
/** Events that one page goes through at most; some 20 ms. */
export const MAX_LOOKED_AT = 20_000;
const IN_RANGE = 'tenant_id = $1 AND id < $2 AND id >= $3 AND id < $4';
/** The largest UUID: everything is before it. */
const END = 'ffffffff-ffff-ffff-ffff-ffffffffffff';

/** Reads of events. */
@Injectable()
export class EventsQueries {
  constructor(private readonly database: TenantDatabase) {}

  /**
   * Newest first. No index leads to a type or a project, which would cost every event: as many events are gone through
   * as a request may take, and the page may be short, or empty, and still have more behind it.
   * @returns the events, and the cursor of the next page where there is one.
   */
  list(tenantId: string, filter: EventFilter): Promise<{ events: EventRow[]; next: string | null }> {
    const range = [
      tenantId,
      filter.before ?? END,
      firstUuidAt(filter.startMs ?? 0),
      filter.endMs === null ? END : firstUuidAt(filter.endMs),
    ];
    return this.database.run(tenantId, async (manager) => {
      const rows = await manager.query<EventRow[]>(
        `SELECT * FROM (SELECT ${COLUMNS} FROM events WHERE ${IN_RANGE} ORDER BY id DESC LIMIT ${MAX_LOOKED_AT}) looked
         WHERE ($5::text IS NULL OR type = $5) AND ($6::text IS NULL OR project_id = $6)
         ORDER BY id DESC LIMIT $7`,
        [...range, filter.type, filter.projectId, filter.limit + 1],
      );
      const events = rows.slice(0, filter.limit);
      if (rows.length > filter.limit) return { events, next: events.at(-1)?.id ?? null };
      const [last] = await manager.query<{ id: string }[]>(
        `SELECT id FROM events WHERE ${IN_RANGE} ORDER BY id DESC OFFSET ${MAX_LOOKED_AT - 1} LIMIT 1`,
        range,
      );
      return { events, next: last?.id ?? null };
    });
  }

  /**
   * One event by its public id, ours or the publisher's own, with its payload and deliveries; null when there is none.
   * @param projectId of a token that is bound to one: it sees neither other events nor deliveries to other webhooks.
   */
  find(
    tenantId: string,
    publicId: string,
    projectId: string | null,
  ): Promise<{ event: EventRow; data: Buffer | null; deliveries: EventDeliveryRow[] } | null> {
    return this.database.run(tenantId, async (manager) => {
      const keys = await manager.query<{ event_id: string }[]>(
        'SELECT event_id FROM idempotency_keys WHERE tenant_id = $1 AND key_hash = $2',
        [tenantId, eventKeyHash('event_id', publicId)],
      );
      const id = keys[0]?.event_id ?? parseId('event', publicId);
      if (id === null) return null;
      const found = await manager.query<(EventRow & { data: Buffer | null })[]>(
        `SELECT ${COLUMNS}, p.data FROM events LEFT JOIN event_payloads p ON p.event_id = events.id
         WHERE events.id = $2 AND events.tenant_id = $1 AND ($3::text IS NULL OR project_id = $3)`,
        [tenantId, id, projectId],
      );
      const event = found[0];
      if (event === undefined) return null;
      const { first, last } = deliveryUuidRange(id);
      const deliveries = await manager.query<EventDeliveryRow[]>(
        `SELECT id, webhook_id, status, state, attempts, response_code, error, next_attempt_at FROM deliveries
         WHERE id >= $2 AND id <= $3 AND event_id = $4 AND tenant_id = $1
           AND ($5::text IS NULL OR webhook_id IN (SELECT w.id FROM webhooks w WHERE w.tenant_id = $1 AND w.project_id = $5))
         ORDER BY id LIMIT ${MAX_DELIVERIES}`,
        [tenantId, first, last, id, projectId],
      );
      return { event, data: event.data, deliveries };
    });
  }

  /** By webhook the first of the line in which its delivery of an event stands. */
  findFirstInLine(tenantId: string, eventId: string): Promise<Map<string, { publicId: string; isGivenUp: boolean }>> {
    return this.database.run(tenantId, async (manager) => {
      const rows = await manager.query<{ webhook_id: string; delivery_id: string; given_up: boolean }[]>(
        `SELECT own.webhook_id, head.delivery_id, head.given_up
         FROM webhooks w JOIN ordered_deliveries own ON own.webhook_id = w.id AND own.event_id = $2 AND own.tenant_id = $1
         CROSS JOIN LATERAL (
           SELECT delivery_id, given_up FROM ordered_deliveries o
           WHERE o.webhook_id = own.webhook_id AND o.key_hash = own.key_hash AND o.tenant_id = $1
           ORDER BY position LIMIT 1) head
         WHERE w.tenant_id = $1 AND w.deleted_at IS NULL`,
        [tenantId, eventId],
      );
      return new Map(
        rows.map((row) => [row.webhook_id, { publicId: formatId('del', row.delivery_id), isGivenUp: row.given_up }]),
      );
    });
  }
}
