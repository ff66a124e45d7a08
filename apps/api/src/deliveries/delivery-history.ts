import { Inject, Injectable } from '@nestjs/common';
import type { EntityManager } from 'typeorm';
import { TenantDatabase } from '#database/tenant-database';
import { notFound } from '#kernel/app-error';
import { uuidTimeMs } from '#kernel/ids';
import { KeptHistory, type HistoryStart, type RetentionOf } from '../delivery-history/kept-history';
import { requireWebhookOrDeleted, type Reach } from '../webhooks/webhooks.queries';
import { DELIVERY_STATUSES } from '../delivery-history/delivery-status';
import type { FullDelivery } from './dto/delivery.response';
import { countHistory, type HistoryCounts } from '../delivery-history/history-counts.queries';
import { idRange, type HistoryFilter } from '../delivery-history/history-filter';
import { readHistoryPageOfType } from '../delivery-history/history-of-type.queries';
import {
  findDelivery,
  readAttempts,
  readContents,
  readHistoryPage,
  type DeliveryRow,
  type HistoryPage,
} from '../delivery-history/history.queries';

/** An id from a path: which delivery, and whether it was presented as a test's. */
export interface DeliveryRef {
  id: string;
  isTest: boolean;
}

/** Reads the deliveries of webhooks, deleted ones included. */
@Injectable()
export class DeliveryHistory {
  constructor(
    @Inject(TenantDatabase) private readonly database: TenantDatabase,
    @Inject(KeptHistory) private readonly kept: KeptHistory,
  ) {}

  /** One page, whether more follow, and the counts of the whole. @throws AppError 404 for a webhook out of reach. */
  list(
    reach: Reach & RetentionOf,
    webhookId: string,
    wanted: HistoryFilter,
    page: HistoryPage,
  ): Promise<{ deliveries: FullDelivery[]; hasMore: boolean; counts: HistoryCounts }> {
    const { tenantId } = reach;
    const start = this.kept.startsAt(reach, Date.now());
    const filter = withinKept(wanted, webhookId, start);
    return this.database.read(tenantId, async (manager) => {
      await requireWebhookOrDeleted(manager, reach, webhookId);
      const counts = await countHistory(manager, tenantId, webhookId, filter);
      const found = await readPage(manager, tenantId, webhookId, filter, { ...page, limit: page.limit + 1 });
      const deliveries = await withContents(manager, tenantId, found.slice(0, page.limit), false, start);
      return { deliveries, hasMore: found.length > page.limit, counts };
    });
  }

  /** One delivery with the bodies of all responses. @throws AppError 404. */
  read(reach: Reach & RetentionOf, webhookId: string, { id, isTest }: DeliveryRef): Promise<FullDelivery> {
    const { tenantId } = reach;
    const start = this.kept.startsAt(reach, Date.now());
    return this.database.read(tenantId, async (manager) => {
      await requireWebhookOrDeleted(manager, reach, webhookId);
      const delivery = await findDelivery(manager, tenantId, webhookId, id);
      if (delivery?.is_test !== isTest || hasEnded(delivery, id, start.recordsMs)) throw notFound('Delivery');
      const [full] = await withContents(manager, tenantId, [delivery], true, start);
      if (full === undefined) throw notFound('Delivery');
      return full;
    });
  }
}

async function readPage(
  manager: EntityManager,
  tenantId: string,
  webhookId: string,
  filter: HistoryFilter,
  page: HistoryPage,
): Promise<DeliveryRow[]> {
  const { from, until } = idRange(filter);
  const { status, eventType, beforeId } = filter;
  const range = { from, until: beforeId !== undefined && beforeId < until ? beforeId : until };
  if (eventType !== undefined) {
    return readHistoryPageOfType(manager, tenantId, webhookId, { eventType, status, ...range }, page);
  }
  const statuses = status === undefined ? DELIVERY_STATUSES : [status];
  return readHistoryPage(manager, tenantId, webhookId, statuses, range, page);
}

async function withContents(
  manager: EntityManager,
  tenantId: string,
  deliveries: DeliveryRow[],
  withBodies: boolean,
  { payloadsMs }: HistoryStart,
): Promise<FullDelivery[]> {
  const contents = await readContents(manager, tenantId, deliveries);
  const ids = deliveries.map((delivery) => delivery.id);
  const attempts = await readAttempts(manager, tenantId, ids, withBodies);
  return deliveries.map((delivery) => {
    const content = contents.get(delivery.id);
    const isAnswerGone = hasEnded(delivery, delivery.id, payloadsMs);
    return {
      delivery,
      content: content && {
        ...content,
        ...(hasEnded(delivery, delivery.event_id, payloadsMs) && { data: null }),
        ...(isAnswerGone && { response_body: null }),
      },
      attempts: (attempts.get(delivery.id) ?? []).map((attempt) =>
        isAnswerGone ? { ...attempt, response_body: null } : attempt,
      ),
    };
  });
}

/** A filter cut to what is kept; of a webhook that is younger than that, everything is, and its totals say so. */
function withinKept(filter: HistoryFilter, webhookId: string, { recordsMs }: HistoryStart): HistoryFilter {
  if (uuidTimeMs(webhookId) >= recordsMs) return filter;
  return { ...filter, fromMs: Math.max(filter.fromMs ?? 0, recordsMs) };
}

/** Whether the time of something of an id is over; what a pending delivery needs is kept until it is done. */
function hasEnded(delivery: DeliveryRow, id: string, startMs: number): boolean {
  return delivery.status !== 'pending' && uuidTimeMs(id) < startMs;
}
