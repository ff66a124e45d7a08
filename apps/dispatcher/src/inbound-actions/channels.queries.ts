import type { Pool } from 'pg';
import type { StoredSettings } from './action-settings-reader';

/** A channel as it is stored. */
export interface ChannelRow extends StoredSettings {
  name: string;
  kind: string;
}

/** Channels of these names; of no names, the tenant's default one. */
export async function findChannels(pool: Pool, tenantId: string, names: readonly string[]): Promise<ChannelRow[]> {
  const result = await pool.query<{
    id: string;
    name: string;
    kind: string;
    settings: Record<string, unknown>;
    sealed_secrets: Buffer | null;
  }>({
    name: 'find-inbound-channels',
    text: `SELECT id, name, kind, settings, sealed_secrets FROM inbound_channels
           WHERE tenant_id = $1 AND CASE WHEN cardinality($2::text[]) = 0 THEN is_default ELSE name = ANY($2::text[]) END`,
    values: [tenantId, names],
  });
  return result.rows.map(({ sealed_secrets: sealedSecrets, ...row }) => ({ ...row, sealedSecrets }));
}
