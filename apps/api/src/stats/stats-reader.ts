import { Inject, Injectable } from '@nestjs/common';
import { TenantDatabase } from '#database/tenant-database';
import { requireWebhookOrDeleted, type Reach } from '../webhooks/webhooks.queries';
import type { Period, Range } from '../delivery-history/periods';
import { readStats, type WebhookStats } from './stats.queries';

/** Reads the statistics of webhooks, deleted ones included. */
@Injectable()
export class StatsReader {
  constructor(@Inject(TenantDatabase) private readonly database: TenantDatabase) {}

  /** @throws AppError 404 for a webhook out of reach. */
  read(reach: Reach, webhookId: string, period: Period, range: Range): Promise<WebhookStats> {
    return this.database.read(reach.tenantId, async (manager) => {
      await requireWebhookOrDeleted(manager, reach, webhookId);
      return readStats(manager, reach.tenantId, webhookId, period, range);
    });
  }
}
