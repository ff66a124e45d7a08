import type { EntityManager } from 'typeorm';

/** Special ranges that the tenant's deliveries may reach, beside those of the installation. */
export async function readAllowedCidrs(manager: EntityManager, tenantId: string): Promise<string[]> {
  const rows: { allowed_cidrs: string[] }[] = await manager.query('SELECT allowed_cidrs FROM tenants WHERE id = $1', [
    tenantId,
  ]);
  return rows[0]?.allowed_cidrs ?? [];
}

/** Tells dispatchers that webhooks change in this transaction; locks the tenant until it ends. */
export async function bumpWebhooksVersion(manager: EntityManager, tenantId: string): Promise<void> {
  await manager.query(
    'UPDATE tenants SET webhooks_version = webhooks_version + 1, changed_at = clock_timestamp() WHERE id = $1',
    [tenantId],
  );
}
