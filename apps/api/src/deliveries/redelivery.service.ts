import { Inject, Injectable } from '@nestjs/common';
import { TenantDatabase } from '#database/tenant-database';
import { AppError, conflict, notFound } from '#kernel/app-error';
import { newUuid, uuidTimeMs } from '#kernel/ids';
import { Signals } from '#queues/signals';
import { KeptHistory, type RetentionOf } from '../delivery-history/kept-history';
import { findWebhook, type Reach } from '../webhooks/webhooks.queries';
import type { DeliveryRef } from './delivery-history';
import { findDelivery, type DeliveryRow } from '../delivery-history/history.queries';
import { noteRequestKey } from './request-keys.queries';
import { insertRedelivery, isEventKept } from './write-history.queries';

/** A delivery that was made from another. */
export interface Redelivery {
  /** Of the new delivery. */
  id: string;
  original: DeliveryRow;
  webhookUrl: string;
}

/** Sends the event of a delivery once more, as a delivery of its own. */
@Injectable()
export class RedeliveryService {
  constructor(
    @Inject(TenantDatabase) private readonly database: TenantDatabase,
    private readonly signals: Signals,
    @Inject(KeptHistory) private readonly kept: KeptHistory,
  ) {}

  /**
   * Whatever became of the first delivery; the same `idempotencyKey` makes one only.
   * @throws AppError 404 for a delivery out of reach or of a deleted webhook; 409 for an inactive webhook and for a
   *   test, which has no event; 410 when the payload's retention has ended; 422 for a key used with another delivery.
   */
  async redeliver(
    reach: Reach & RetentionOf,
    webhookId: string,
    ref: DeliveryRef,
    idempotencyKey: string | null,
  ): Promise<Redelivery> {
    const nowMs = Date.now();
    const made = await this.make(reach, webhookId, ref, idempotencyKey, nowMs);
    this.signals.wakeUpAt(nowMs, nowMs);
    return made;
  }

  private make(
    reach: Reach & RetentionOf,
    webhookId: string,
    ref: DeliveryRef,
    key: string | null,
    nowMs: number,
  ): Promise<Redelivery> {
    const { tenantId } = reach;
    return this.database.run(tenantId, async (manager) => {
      const webhook = await findWebhook(manager, reach, webhookId);
      const original = await findDelivery(manager, tenantId, webhookId, ref.id);
      if (original?.is_test !== ref.isTest) throw notFound('Delivery');
      const id = newUuid(nowMs);
      if (key !== null) {
        const request = { kind: 'redelivery', key, content: [original.id], madeId: id } as const;
        const firstId = await noteRequestKey(manager, tenantId, request);
        if (firstId !== id) return { id: firstId, original, webhookUrl: webhook.url };
      }
      if (original.is_test) throw conflict('test_delivery', 'A test cannot be redelivered; send another test');
      if (!webhook.active) throw conflict('webhook_inactive', 'The webhook is inactive; activate it to redeliver');
      const isKept = uuidTimeMs(original.event_id) >= this.kept.startsAt(reach, nowMs).payloadsMs;
      if (!isKept || !(await isEventKept(manager, tenantId, original.event_id))) {
        throw new AppError(410, 'payload_gone', 'The payload is no longer kept, so it cannot be delivered again');
      }
      await insertRedelivery(manager, tenantId, id, original);
      return { id, original, webhookUrl: webhook.url };
    });
  }
}
