import { IsNull, type EntityManager, type FindOptionsWhere, type QueryDeepPartialEntity } from 'typeorm';
import { InboundActionEntity } from '#database/entities/inbound-action.entity';
import { InboundEndpointEntity } from '#database/entities/inbound-endpoint.entity';
import { notFound } from '#kernel/app-error';
import { parseId } from '#kernel/ids';
import type { PageQuery } from '../http/page';
import type { Reach } from '../webhooks/webhooks.queries';

/** What is counted of an endpoint. */
export interface EndpointTotals {
  triggered: number;
  lastTriggeredAt: Date | null;
}

/** What a path may call an endpoint by: its name or its id. */
export const ENDPOINT_NAME = /^[a-z0-9][a-z0-9._-]{0,62}$/;

/** An endpoint within reach, by name or id. @throws AppError 404. */
export async function findEndpoint(
  manager: EntityManager,
  reach: Reach,
  nameOrId: string,
): Promise<InboundEndpointEntity> {
  return found(await manager.findOneBy(InboundEndpointEntity, whereNamed(reach, nameOrId)));
}

/** {@link findEndpoint}, locked until the transaction ends. @throws AppError 404. */
export async function lockEndpoint(
  manager: EntityManager,
  reach: Reach,
  nameOrId: string,
): Promise<InboundEndpointEntity> {
  const where = whereNamed(reach, nameOrId);
  return found(await manager.findOne(InboundEndpointEntity, { where, lock: { mode: 'pessimistic_write' } }));
}

/** One page of the endpoints within reach, by name, and how many there are. */
export function listEndpoints(
  manager: EntityManager,
  reach: Reach,
  page: PageQuery,
): Promise<[InboundEndpointEntity[], number]> {
  return manager.findAndCount(InboundEndpointEntity, {
    where: within(reach),
    order: { name: 'asc' },
    take: page.limit,
    skip: page.offset,
  });
}

/** The tenant's endpoints that are not deleted; other requests that make one wait for this transaction. */
export async function countEndpoints(manager: EntityManager, tenantId: string): Promise<number> {
  await manager.query('SELECT pg_advisory_xact_lock(hashtextextended($1, 7))', [tenantId]);
  return manager.countBy(InboundEndpointEntity, { tenantId, deletedAt: IsNull() });
}

/** Changes columns, and tells all instances: a request that was judged before is judged again. */
export async function changeEndpoint(
  manager: EntityManager,
  tenantId: string,
  id: string,
  columns: Partial<InboundEndpointEntity> = {},
): Promise<void> {
  await manager.update(
    InboundEndpointEntity,
    { tenantId, id },
    {
      ...(columns as QueryDeepPartialEntity<InboundEndpointEntity>),
      version: () => 'version + 1',
      updatedAt: () => 'clock_timestamp()',
      changedAt: () => 'clock_timestamp()',
    },
  );
}

/** The actions of endpoints, in their order. */
export async function listActions(
  manager: EntityManager,
  tenantId: string,
  endpointIds: string[],
): Promise<InboundActionEntity[]> {
  if (endpointIds.length === 0) return [];
  return manager
    .createQueryBuilder(InboundActionEntity, 'action')
    .where('action.tenantId = :tenantId AND action.endpointId = ANY (:endpointIds)', { tenantId, endpointIds })
    .orderBy({ 'action.position': 'ASC', 'action.id': 'ASC' })
    .getMany();
}

/** What was counted of endpoints, also what is not folded yet. */
export async function readTotals(
  manager: EntityManager,
  tenantId: string,
  endpointIds: string[],
): Promise<Map<string, EndpointTotals>> {
  if (endpointIds.length === 0) return new Map();
  const rows = await manager.query<{ endpoint_id: string; triggered: string; last_triggered_at: Date | null }[]>(
    `SELECT endpoint_id, sum(triggered) AS triggered, max(last_triggered_at) AS last_triggered_at FROM (
       SELECT endpoint_id, triggered, last_triggered_at FROM inbound_totals WHERE tenant_id = $1 AND endpoint_id = ANY ($2::uuid[])
       UNION ALL
       SELECT endpoint_id, triggered, last_triggered_at FROM inbound_trigger_deltas
       WHERE tenant_id = $1 AND endpoint_id = ANY ($2::uuid[])) AS counted
     GROUP BY endpoint_id`,
    [tenantId, endpointIds],
  );
  return new Map(
    rows.map((row) => [row.endpoint_id, { triggered: Number(row.triggered), lastTriggeredAt: row.last_triggered_at }]),
  );
}

function whereNamed(reach: Reach, nameOrId: string): FindOptionsWhere<InboundEndpointEntity> {
  const id = parseId('inb', nameOrId);
  if (id !== null) return { ...within(reach), id };
  if (!ENDPOINT_NAME.test(nameOrId)) throw notFound('Inbound endpoint');
  return { ...within(reach), name: nameOrId };
}

function within({ tenantId, projectId }: Reach): FindOptionsWhere<InboundEndpointEntity> {
  return { tenantId, deletedAt: IsNull(), ...(projectId !== null && { projectId }) };
}

function found(endpoint: InboundEndpointEntity | null): InboundEndpointEntity {
  if (endpoint === null) throw notFound('Inbound endpoint');
  return endpoint;
}
