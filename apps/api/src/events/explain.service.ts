import { Injectable } from '@nestjs/common';
import { TenantDatabase } from '#database/tenant-database';
import { notFound } from '#kernel/app-error';
import { formatId, uuidTimeMs } from '#kernel/ids';
import type { ExplainResponse } from './dto/explain.response';
import { EventsQueries, type EventRow } from './events.queries';
import { explain, type ExplainedEvent } from './explanation';

/** A tenant with more webhooks is told of those that were made last. */
const MAX_WEBHOOKS = 1_000;

interface WebhookRow {
  id: string;
  kind: 'subscription' | 'inbound_forward';
  name: string;
  events: string[];
  event_versions: Record<string, string>;
  project_id: string | null;
  active: boolean;
  disabled_reason: string | null;
  updated_at: Date;
}

/** Tells, for each webhook of a tenant, whether and why it did or did not get an event. */
@Injectable()
export class ExplainService {
  constructor(
    private readonly events: EventsQueries,
    private readonly database: TenantDatabase,
  ) {}

  /** @throws AppError 404 when the caller has no such event. */
  async explain(tenantId: string, publicId: string, projectId: string | null, nowMs: number): Promise<ExplainResponse> {
    const found = await this.events.find(tenantId, publicId, projectId);
    if (found === null) throw notFound('Event');
    const { event } = found;
    const deliveries = new Map(found.deliveries.map((delivery) => [delivery.webhook_id, delivery]));
    const behind = found.deliveries.some(({ state }) => state === 'blocked')
      ? await this.events.findFirstInLine(tenantId, event.id)
      : new Map<string, never>();
    const webhooks = await this.webhooks(tenantId, projectId, [...deliveries.keys()]);
    const isForwarded = webhooks.some(({ kind }) => kind === 'inbound_forward');
    return {
      event_id: publicId,
      event: event.type,
      webhooks: webhooks.map((webhook) => {
        const delivery = deliveries.get(webhook.id) ?? null;
        return {
          webhook_id: formatId('webhook', webhook.id),
          name: webhook.name,
          delivery_id: delivery === null ? null : formatId('del', delivery.id),
          ...explain(
            { ...toExplained(event, nowMs), isForwarded },
            toExplainedWebhook(webhook, event),
            delivery === null ? null : { ...delivery, behind: behind.get(webhook.id) },
          ),
        };
      }),
    };
  }

  /** @param reached webhooks that have a delivery: among them is the hidden one of a forward, which is told of then. */
  private webhooks(tenantId: string, projectId: string | null, reached: string[]): Promise<WebhookRow[]> {
    return this.database.run(tenantId, (manager) =>
      manager.query<WebhookRow[]>(
        `SELECT id, kind, name, events, event_versions, project_id, active, disabled_reason, updated_at FROM webhooks
         WHERE tenant_id = $1 AND ($2::text IS NULL OR project_id = $2)
           AND (kind = 'subscription' AND deleted_at IS NULL OR kind = 'inbound_forward' AND id = ANY ($3::uuid[]))
         ORDER BY id DESC LIMIT ${MAX_WEBHOOKS}`,
        [tenantId, projectId, reached],
      ),
    );
  }
}

function toExplained(event: EventRow, nowMs: number): Omit<ExplainedEvent, 'isForwarded'> {
  return {
    type: event.type,
    version: event.version,
    projectId: event.project_id,
    isCancelled: event.cancelled_at !== null,
    isScheduled: event.deliver_at !== null && event.deliver_at.getTime() > nowMs,
  };
}

function toExplainedWebhook(webhook: WebhookRow, event: EventRow): Parameters<typeof explain>[1] {
  return {
    events: webhook.events,
    eventVersions: webhook.event_versions,
    projectId: webhook.project_id,
    active: webhook.active,
    disabledReason: webhook.disabled_reason,
    isYounger: uuidTimeMs(webhook.id) > uuidTimeMs(event.id),
    isChangedSince: webhook.updated_at.getTime() > uuidTimeMs(event.id),
  };
}
