import { IsNull, type EntityManager, type FindOptionsWhere } from 'typeorm';
import { WebhookEntity } from '#database/entities/webhook.entity';
import { queryPrepared } from '#database/query-prepared';
import type { WebhookTargetRow } from '#database/webhook-target';
import { hasWebhook, READ_WEBHOOK_TARGETS, type WebhookTargetsRow } from '#database/webhook-targets.queries';
import { notFound } from '#kernel/app-error';
import type { Caller } from '../caller/caller';
import type { ListWebhooksQuery } from './dto/list-webhooks.query';

/** What decides which webhooks a caller sees: the tenant, and the project of a token bound to one. */
export type Reach = Pick<Caller, 'tenantId' | 'projectId'>;

const SORT_COLUMNS = { created_at: 'createdAt', updated_at: 'updatedAt', name: 'name' } as const;

/** A webhook within reach that is not deleted. @throws AppError 404. */
export async function findWebhook(manager: EntityManager, reach: Reach, id: string): Promise<WebhookEntity> {
  return found(await manager.findOneBy(WebhookEntity, { ...within(reach), id, deletedAt: IsNull() }));
}

/**
 * {@link findWebhook}, locked until the transaction ends. A webhook is locked before its tenant, as dispatchers do that
 * disable one, so that neither waits for the other for ever.
 * @throws AppError 404.
 */
export async function lockWebhook(manager: EntityManager, reach: Reach, id: string): Promise<WebhookEntity> {
  const where = { ...within(reach), id, deletedAt: IsNull() };
  return found(await manager.findOne(WebhookEntity, { where, lock: { mode: 'pessimistic_write' } }));
}

/**
 * Sees to it that a webhook is within reach; a deleted one is, since its history and statistics stay readable.
 * @throws AppError 404.
 */
export async function requireWebhookOrDeleted(
  manager: EntityManager,
  { tenantId, projectId }: Reach,
  id: string,
): Promise<void> {
  const rows = await queryPrepared(
    manager,
    `SELECT FROM webhooks WHERE tenant_id = $1 AND id = $2 AND kind = 'subscription' AND ($3::text IS NULL OR project_id = $3)`,
    [tenantId, id, projectId],
  );
  if (rows.length === 0) throw notFound('Webhook');
}

/** One page of the webhooks within reach, and how many there are; equal ones in the order of creation. */
export async function listWebhooks(
  manager: EntityManager,
  reach: Reach,
  query: ListWebhooksQuery,
): Promise<[WebhookEntity[], number]> {
  if (reach.projectId !== null && query.project_id !== undefined && query.project_id !== reach.projectId)
    return [[], 0];
  return manager.findAndCount(WebhookEntity, {
    where: {
      ...within(reach),
      deletedAt: IsNull(),
      ...(query.project_id !== undefined && { projectId: query.project_id }),
      ...(query.active !== undefined && { active: query.active }),
    },
    order: { [SORT_COLUMNS[query.sort]]: query.order, id: query.order },
    take: query.limit,
    skip: query.offset,
  });
}

/** The tenant's webhooks that are not deleted; hidden ones do not count. */
export function countWebhooks(manager: EntityManager, tenantId: string): Promise<number> {
  return manager.countBy(WebhookEntity, { tenantId, kind: 'subscription', deletedAt: IsNull() });
}

/** A webhook with all that sending to it needs. @throws AppError 404. */
export async function readTarget(manager: EntityManager, tenantId: string, id: string): Promise<WebhookTargetRow> {
  const rows: WebhookTargetsRow[] = await manager.query(READ_WEBHOOK_TARGETS, [tenantId, id]);
  const row = rows.find(hasWebhook);
  if (row === undefined) throw notFound('Webhook');
  return row;
}

function within({ tenantId, projectId }: Reach): FindOptionsWhere<WebhookEntity> {
  return { tenantId, kind: 'subscription', ...(projectId !== null && { projectId }) };
}

function found(webhook: WebhookEntity | null): WebhookEntity {
  if (webhook === null) throw notFound('Webhook');
  return webhook;
}
