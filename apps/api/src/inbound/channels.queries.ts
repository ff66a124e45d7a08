import type { EntityManager } from 'typeorm';
import { InboundChannelEntity } from '#database/entities/inbound-channel.entity';
import { notFound } from '#kernel/app-error';

/** What a channel may be called. */
export const CHANNEL_NAME = /^[a-z0-9][a-z0-9._-]{0,62}$/;

/** Those of these names that no channel has. */
export async function missingChannels(manager: EntityManager, tenantId: string, names: string[]): Promise<string[]> {
  const rows = await manager.query<{ name: string }[]>(
    'SELECT name FROM inbound_channels WHERE tenant_id = $1 AND name = ANY ($2::text[])',
    [tenantId, names],
  );
  const known = new Set(rows.map(({ name }) => name));
  return names.filter((name) => !known.has(name));
}

/** The tenant's channels by name. */
export function listChannels(manager: EntityManager, tenantId: string): Promise<InboundChannelEntity[]> {
  return manager.find(InboundChannelEntity, { where: { tenantId }, order: { name: 'asc' } });
}

/** @throws AppError 404. */
export async function findChannel(
  manager: EntityManager,
  tenantId: string,
  name: string,
): Promise<InboundChannelEntity> {
  const channel = CHANNEL_NAME.test(name) ? await manager.findOneBy(InboundChannelEntity, { tenantId, name }) : null;
  if (channel === null) throw notFound('Channel');
  return channel;
}

/** Lets no channel be the default any more. */
export async function clearDefault(manager: EntityManager, tenantId: string): Promise<void> {
  await manager.update(InboundChannelEntity, { tenantId, isDefault: true }, { isDefault: false });
}

/** How many channels there are, and whether one has this name; other requests that make one wait for this transaction. */
export async function countChannels(
  manager: EntityManager,
  tenantId: string,
  name: string,
): Promise<{ total: number; isTaken: boolean }> {
  await manager.query('SELECT pg_advisory_xact_lock(hashtextextended($1, 8))', [tenantId]);
  const total = await manager.countBy(InboundChannelEntity, { tenantId });
  return { total, isTaken: await manager.existsBy(InboundChannelEntity, { tenantId, name }) };
}
