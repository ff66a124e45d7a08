import { Inject, Injectable } from '@nestjs/common';
import type { WebhookEntity } from '#database/entities/webhook.entity';
import { TenantDatabase } from '#database/tenant-database';
import { DELIVERY_STATUSES } from '../delivery-history/delivery-status';
import { idRange } from '../delivery-history/history-filter';
import { readHistoryPage, type DeliveryRow } from '../delivery-history/history.queries';
import { recordAct } from '../audit-trail/record-act';
import { Recently } from '../audit-trail/recently';
import type { Caller } from '../caller/caller';
import { KeptHistory } from '../delivery-history/kept-history';
import { NO_TOTALS, readTotals, type WebhookTotals } from '../delivery-history/webhook-totals.queries';
import type { ListWebhooksQuery } from './dto/list-webhooks.query';
import { listRetiringSecrets, type RetiringSecretRow } from './retiring-secrets.queries';
import { aboutWebhook } from './webhook-acts';
import { findWebhook, listWebhooks, type Reach } from './webhooks.queries';

const RECENT_DELIVERIES = 10;
/** A token that reads the same webhook again and again, as dashboards do, stands once an hour in the audit trail. */
const SAME_READ_MS = 3_600_000;
const REMEMBERED_READS = 10_000;

/** A webhook and how it fares. */
export interface WebhookWithTotals {
  webhook: WebhookEntity;
  totals: WebhookTotals;
}

/** Reads webhooks together with their deliveries' totals. */
@Injectable()
export class WebhookReader {
  private readonly secretReads = new Recently(REMEMBERED_READS, SAME_READ_MS);

  constructor(
    @Inject(TenantDatabase) private readonly database: TenantDatabase,
    @Inject(KeptHistory) private readonly kept: KeptHistory,
  ) {}

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

  /** A webhook, whose secret may then be shown, with its latest deliveries. @throws AppError 404. */
  async read(
    caller: Caller,
    id: string,
  ): Promise<WebhookWithTotals & { recent: DeliveryRow[]; retiring: RetiringSecretRow[] }> {
    const { tenantId, tokenId } = caller;
    const isNoted = this.secretReads.has(`${tokenId} ${id}`, performance.now());
    const found = await this.database.run(tenantId, async (manager) => {
      const webhook = await findWebhook(manager, caller, id);
      const totals = await readTotals(manager, tenantId, [id]);
      const range = idRange({ fromMs: this.kept.startsAt(caller, Date.now()).recordsMs });
      const recent = await readHistoryPage(manager, tenantId, id, DELIVERY_STATUSES, range, {
        limit: RECENT_DELIVERIES,
        offset: 0,
      });
      const retiring = await listRetiringSecrets(manager, tenantId, id);
      if (!isNoted) await recordAct(manager, caller, { action: 'webhook.secret_read', ...aboutWebhook(webhook) });
      return { webhook, totals: totals.get(id) ?? NO_TOTALS, recent, retiring };
    });
    if (!isNoted) this.secretReads.note(`${tokenId} ${id}`, performance.now());
    return found;
  }
}
