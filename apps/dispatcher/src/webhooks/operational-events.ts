import { createHash } from 'node:crypto';
import { Inject, Injectable } from '@nestjs/common';
import type { Pool } from 'pg';
import { acceptEvents } from '#accept/accept-events';
import type { NewEvent } from '#accept/new-event';
import { SERVICE_POOL } from '#database/database.module';
import type { WebhookTarget } from '#database/webhook-target';
import { formatId, newUuid } from '#kernel/ids';
import { formatInstant } from '#kernel/instants';
import type { Logger } from '#observability/logger';
import { LOGGER } from '#observability/observability.module';
import { Signals } from '#queues/signals';
import { isOperationalEventType, type OperationalEventType } from '#webhook-rules/event-types';
import type { DeliveryWork } from '../lanes/delivery-work';
import { WebhookDirectory } from './webhook-directory';

const VERSION = '1';

/**
 * Tells tenants of their own webhooks by ordinary events: `webhook.failing`, `webhook.recovered`,
 * `webhook.disabled` and `delivery.exhausted`. Only made where somebody subscribes to them, and never about the
 * delivery of such an event, so that they cannot feed on themselves.
 */
@Injectable()
export class OperationalEvents {
  constructor(
    @Inject(SERVICE_POOL) private readonly pool: Pool,
    private readonly directory: WebhookDirectory,
    private readonly signals: Signals,
    @Inject(LOGGER) private readonly logger: Logger,
  ) {}

  failing(webhook: {
    webhookId: string;
    tenantId: string;
    failingSince: Date;
    failures: number;
    lastError: string | null;
    disableAt: Date;
  }): Promise<void> {
    return this.publish('webhook.failing', webhook.tenantId, webhook.webhookId, {
      failing_since: formatInstant(webhook.failingSince.getTime()),
      failures: webhook.failures,
      last_error: webhook.lastError,
      disable_at: formatInstant(webhook.disableAt.getTime()),
    });
  }

  recovered(webhook: { webhookId: string; tenantId: string; failingSince: Date }): Promise<void> {
    return this.publish('webhook.recovered', webhook.tenantId, webhook.webhookId, {
      failing_since: formatInstant(webhook.failingSince.getTime()),
    });
  }

  disabled(tenantId: string, webhookId: string, reason: string, lastError: string | null): Promise<void> {
    return this.publish('webhook.disabled', tenantId, webhookId, { reason, last_error: lastError });
  }

  exhausted(work: DeliveryWork, target: WebhookTarget, attempts: number, error: string | null): Promise<void> {
    if (isOperationalEventType(work.event.type)) return Promise.resolve();
    return this.publish('delivery.exhausted', work.tenantId, target.id, {
      delivery_id: formatId('del', work.id),
      event_id: work.event.clientEventId ?? formatId('event', work.event.id),
      event_type: work.event.type,
      attempts,
      last_error: error,
    });
  }

  /** Never rejects: what happened stands in the history anyway, and must not be undone by telling of it. */
  private async publish(type: OperationalEventType, tenantId: string, webhookId: string, more: object): Promise<void> {
    try {
      const webhooks = await this.directory.ofTenant(tenantId, 0n);
      const projectId = webhooks.targets.get(webhookId)?.projectId ?? null;
      if (webhooks.subscriptions.match(type, projectId).length === 0) return;
      const nowMs = Date.now();
      const data = Buffer.from(JSON.stringify({ webhook_id: formatId('webhook', webhookId), ...more }));
      const event: NewEvent = {
        id: newUuid(nowMs),
        tenantId,
        projectId,
        type,
        clientEventId: null,
        occurredAtMs: nowMs,
        version: VERSION,
        priority: 'normal',
        orderingKey: null,
        deliverAtMs: null,
        data,
        idempotencyKey: null,
        fingerprint: createHash('sha256').update(data).digest(),
      };
      const { batchIds } = await acceptEvents(this.pool, [event], nowMs);
      this.signals.eventsAccepted(batchIds);
    } catch (error) {
      this.logger.warn({ type, webhook: webhookId, error: String(error) }, 'an operational event was not published');
    }
  }
}
