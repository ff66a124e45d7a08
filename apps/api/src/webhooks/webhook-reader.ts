import { Inject, Injectable } from '@nestjs/common';
import type { WebhookEntity } from '#database/entities/webhook.entity';
import { TenantDatabase } from '#database/tenant-database';
import { DELIVERY_STATUSES } from '../deliveries/delivery-status';
import { idRange } from '../deliveries/history-filter';
import { readHistoryPage, type DeliveryRow } from '../deliveries/history.queries';
import { NO_TOTALS, readTotals, type WebhookTotals } from '../stats/webhook-totals.queries';
import type { ListWebhooksQuery } from './dto/list-webhooks.query';
import { listRetiringSecrets, type RetiringSecretRow } from './retiring-secrets.queries';
import { findWebhook, listWebhooks, type Reach } from './webhooks.queries';

const RECENT_DELIVERIES = 10;

/** A webhook and how it fares. */
export interface WebhookWithTotals {
  webhook: WebhookEntity;
  totals: WebhookTotals;
}

/** Reads webhooks together with their deliveries' totals. */
@Injectable()
export class WebhookReader {
  constructor(@Inject(TenantDatabase) private readonly database: TenantDatabase) {}

  list(reach: Reach, query: ListWebhooksQuery): Promise<{ webhooks: WebhookWithTotals[]; total: number }> {
    return this.database.run(reach.tenantId, async (manager) => {
      const [webhooks, total] = await listWebhooks(manager, reach, query);
      const totals = await readTotals(
        manager,
        reach.tenantId,
        webhooks.map((webhook) => webhook.id),
      );
      const withTotals = webhooks.map((webhook) => ({ webhook, totals: totals.get(webhook.id) ?? NO_TOTALS }));
      return { webhooks: withTotals, total };
    });
  }

  /** A webhook with its latest deliveries. @throws AppError 404. */
  read(
    reach: Reach,
    id: string,
  ): Promise<WebhookWithTotals & { recent: DeliveryRow[]; retiring: RetiringSecretRow[] }> {
    return this.database.run(reach.tenantId, async (manager) => {
      const webhook = await findWebhook(manager, reach, id);
      const totals = await readTotals(manager, reach.tenantId, [id]);
      const recent = await readHistoryPage(manager, reach.tenantId, id, DELIVERY_STATUSES, idRange({}), {
        limit: RECENT_DELIVERIES,
        offset: 0,
      });
      const retiring = await listRetiringSecrets(manager, reach.tenantId, id);
      return { webhook, totals: totals.get(id) ?? NO_TOTALS, recent, retiring };
    });
  }
}
