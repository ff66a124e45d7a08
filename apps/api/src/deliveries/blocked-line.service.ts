import { Inject, Injectable } from '@nestjs/common';
import { Pool } from 'pg';
import { SERVICE_POOL } from '#database/database.module';
import { TenantDatabase } from '#database/tenant-database';
import { conflict, notFound } from '#kernel/app-error';
import { Signals } from '#queues/signals';
import { findWebhook, type Reach } from '../webhooks/webhooks.queries';
import { skipGivenUp } from './blocked-line.queries';
import type { DeliveryRef } from './delivery-history';
import { findDelivery } from '../delivery-history/history.queries';

/** A delivery that was given up and no longer holds up those behind it. */
export interface SkippedDelivery {
  id: string;
  skippedAtMs: number;
  /** The delivery that goes now; null where none was waiting. */
  nextId: string | null;
}

/** Lets a line of an ordered webhook go on that waits behind a delivery which was given up. */
@Injectable()
export class BlockedLineService {
  constructor(
    @Inject(TenantDatabase) private readonly database: TenantDatabase,
    @Inject(SERVICE_POOL) private readonly pool: Pool,
    private readonly signals: Signals,
  ) {}

  /**
   * Other lines of the webhook stay as they are, and so does the delivery itself: it was given up.
   * @throws AppError 404 for a delivery out of reach or of a deleted webhook; 409 when no line waits behind it.
   */
  async skip(reach: Reach, webhookId: string, ref: DeliveryRef): Promise<SkippedDelivery> {
    const { tenantId } = reach;
    const delivery = await this.database.run(tenantId, async (manager) => {
      await findWebhook(manager, reach, webhookId);
      return findDelivery(manager, tenantId, webhookId, ref.id);
    });
    if (delivery?.is_test !== ref.isTest) throw notFound('Delivery');
    const { id, event_id: eventId } = delivery;
    const nextId = await skipGivenUp(this.pool, tenantId, webhookId, { id, eventId });
    if (nextId === undefined) {
      throw conflict(
        'holds_no_line',
        'No line waits behind the delivery: it does so behind one that was given up, where the webhook is ordered and its on_exhausted is wait',
      );
    }
    const nowMs = Date.now();
    this.signals.wakeUpAt(nowMs, nowMs);
    return { id, skippedAtMs: nowMs, nextId };
  }
}
