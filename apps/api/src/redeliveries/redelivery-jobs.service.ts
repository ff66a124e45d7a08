import { Inject, Injectable } from '@nestjs/common';
import type { EntityManager } from 'typeorm';
import { TenantDatabase } from '#database/tenant-database';
import { conflict, notFound } from '#kernel/app-error';
import { firstUuidAt, newUuid } from '#kernel/ids';
import { noteRequestKey } from '../deliveries/request-keys.queries';
import type { PageQuery } from '../http/page';
import { findWebhook, requireWebhookOrDeleted, type Reach } from '../webhooks/webhooks.queries';
import type { RedeliverManyDto, RedeliveryFilterDto } from './dto/redeliver-many.dto';
import {
  cancelJob,
  countSelected,
  findJob,
  insertJob,
  listJobs,
  type RedeliveryJobRow,
  type RedeliverySelection,
} from './redelivery-jobs.queries';

/** Redelivers many deliveries of a webhook by jobs, which dispatchers work off. */
@Injectable()
export class RedeliveryJobsService {
  constructor(@Inject(TenantDatabase) private readonly database: TenantDatabase) {}

  /** How many deliveries a job would go through. @throws AppError 404. */
  count(reach: Reach, webhookId: string, { filter }: RedeliverManyDto): Promise<number> {
    const { tenantId } = reach;
    const selection = select(filter, newUuid(Date.now()));
    return this.database.run(tenantId, async (manager) => {
      await findWebhook(manager, reach, webhookId);
      return countSelected(manager, tenantId, webhookId, selection);
    });
  }

  /**
   * Makes a job; the same `idempotencyKey` makes one only.
   * @throws AppError 404; 409 for an inactive webhook and while another job of it is not finished; 422 for a key used
   *   with another request.
   */
  start(
    reach: Reach,
    webhookId: string,
    wanted: RedeliverManyDto,
    idempotencyKey: string | null,
  ): Promise<RedeliveryJobRow> {
    const { tenantId } = reach;
    const { filter, rate_per_second: ratePerSecond } = wanted;
    const createdAt = new Date();
    const id = newUuid(createdAt.getTime());
    const selection = select(filter, id);
    return this.database.run(tenantId, async (manager) => {
      const webhook = await findWebhook(manager, reach, webhookId);
      if (idempotencyKey !== null) {
        const content = [webhookId, JSON.stringify([filter, ratePerSecond])];
        const request = { kind: 'bulk-redelivery', key: idempotencyKey, content, madeId: id } as const;
        const firstId = await noteRequestKey(manager, tenantId, request);
        if (firstId !== id) return readJob(manager, tenantId, webhookId, firstId);
      }
      if (!webhook.active) throw conflict('webhook_inactive', 'The webhook is inactive; activate it to redeliver');
      const job = await insertJob(manager, tenantId, {
        ...selection,
        id,
        webhookId,
        startAt: filter.start_date ?? null,
        endAt: filter.end_date ?? null,
        ratePerSecond,
        matched: await countSelected(manager, tenantId, webhookId, selection),
        createdAt,
      });
      if (job === null) {
        throw conflict('redelivery_running', 'Another bulk redelivery of this webhook is under way; wait or cancel it');
      }
      return job;
    });
  }

  /** The jobs of a webhook, deleted ones included. @throws AppError 404. */
  list(reach: Reach, webhookId: string, page: PageQuery): Promise<{ jobs: RedeliveryJobRow[]; total: number }> {
    return this.database.run(reach.tenantId, async (manager) => {
      await requireWebhookOrDeleted(manager, reach, webhookId);
      return listJobs(manager, reach.tenantId, webhookId, page);
    });
  }

  /** @throws AppError 404. */
  read(reach: Reach, webhookId: string, id: string): Promise<RedeliveryJobRow> {
    return this.database.run(reach.tenantId, async (manager) => {
      await requireWebhookOrDeleted(manager, reach, webhookId);
      return readJob(manager, reach.tenantId, webhookId, id);
    });
  }

  /** Ends a job; one that ended before stays as it is. Deliveries it has made go on. @throws AppError 404. */
  cancel(reach: Reach, webhookId: string, id: string): Promise<RedeliveryJobRow> {
    return this.database.run(reach.tenantId, async (manager) => {
      await requireWebhookOrDeleted(manager, reach, webhookId);
      await cancelJob(manager, reach.tenantId, webhookId, id, 'Cancelled by request');
      return readJob(manager, reach.tenantId, webhookId, id);
    });
  }
}

async function readJob(
  manager: EntityManager,
  tenantId: string,
  webhookId: string,
  id: string,
): Promise<RedeliveryJobRow> {
  const job = await findJob(manager, tenantId, webhookId, id);
  if (job === null) throw notFound('Bulk redelivery');
  return job;
}

/** What a filter means, up to the present: what is made after `nowId`, by the job itself too, is not meant. */
function select(filter: RedeliveryFilterDto, nowId: string): RedeliverySelection {
  const endId = filter.end_date === undefined ? nowId : firstUuidAt(filter.end_date.getTime());
  return {
    deliveryStatus: filter.status,
    eventTypes: filter.event_types ?? null,
    fromId: firstUuidAt(filter.start_date?.getTime() ?? 0),
    untilId: endId < nowId ? endId : nowId,
  };
}
