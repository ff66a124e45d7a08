import { Inject, Injectable } from '@nestjs/common';
import { readTenantTypes } from '#accept/published-types.queries';
import { TenantEventTypes } from '#accept/tenant-event-types';
import { WeightedCache } from '#accept/weighted-cache';
import { TenantDatabase } from '#database/tenant-database';
import type { Caller } from '../caller/caller';

/** Own event types remembered over all tenants; one takes about 100 bytes. */
const MAX_TYPES = 100_000;

/**
 * Which event types a tenant may publish and subscribe to, from memory. A caller carries the version of their tenant's
 * types, as the token was read: an older one in memory is read again. So changes are effective as soon as tokens notice
 * them, within a second on every instance, and nothing else needs to watch for them.
 */
@Injectable()
export class EventTypeCatalog {
  private readonly tenants = new WeightedCache<TenantEventTypes>(MAX_TYPES);
  private readonly loading = new Map<string, Promise<TenantEventTypes>>();

  constructor(@Inject(TenantDatabase) private readonly database: TenantDatabase) {}

  /**
   * The types of a caller's tenant: at once when they are known, else after one statement.
   * @throws AppError 503 when they have to be read while the database is away.
   */
  of({ tenantId, eventTypesVersion }: Caller): TenantEventTypes | Promise<TenantEventTypes> {
    if (eventTypesVersion === 0n) return TenantEventTypes.BUILT_IN_ONLY;
    const known = this.tenants.get(tenantId);
    if (known !== undefined && known.version >= eventTypesVersion) return known;
    // Read under way for an older version may be too old.
    const key = `${tenantId} ${eventTypesVersion}`;
    const loading = this.loading.get(key) ?? this.load(tenantId).finally(() => this.loading.delete(key));
    this.loading.set(key, loading);
    return loading;
  }

  private async load(tenantId: string): Promise<TenantEventTypes> {
    const types = await this.database.run(tenantId, (manager) =>
      readTenantTypes(tenantId, (text, values) => manager.query(text, values)),
    );
    const known = this.tenants.get(tenantId);
    if (known !== undefined && known.version > types.version) return known;
    this.tenants.put(tenantId, types, types.count + 1);
    return types;
  }
}
