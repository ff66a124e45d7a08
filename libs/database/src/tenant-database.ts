import type { Pool } from 'pg';
import type { DataSource, EntityManager } from 'typeorm';
import { databaseAway, isDatabaseAway } from './database-errors';
import { withPartitions } from './with-partitions';

/** The database as one tenant sees it: row-level security shows no other tenant's rows. */
export class TenantDatabase {
  constructor(
    private readonly dataSource: DataSource,
    /** Makes partitions where they are missing, which requests may not. */
    private readonly servicePool: Pool,
  ) {}

  /**
   * Runs work in one transaction of a tenant; a second time when it found no partition for what it writes.
   * @throws AppError 503 when the database is away; whatever the work throws, after rolling back.
   */
  run<T>(tenantId: string, work: (manager: EntityManager) => Promise<T>): Promise<T> {
    return this.inTransaction(`SELECT set_config('app.tenant_id', $1, true)`, tenantId, work);
  }

  /**
   * {@link run} for statements that are prepared (`queryPrepared`). Their plans are made for any values, and partitions are
   * left out as they run; by itself PostgreSQL would plan each anew, since it expects too much of knowing the values.
   */
  read<T>(tenantId: string, work: (manager: EntityManager) => Promise<T>): Promise<T> {
    const settings = `SELECT set_config('app.tenant_id', $1, true), set_config('plan_cache_mode', 'force_generic_plan', true)`;
    return this.inTransaction(settings, tenantId, work);
  }

  private async inTransaction<T>(
    settings: string,
    tenantId: string,
    work: (manager: EntityManager) => Promise<T>,
  ): Promise<T> {
    try {
      return await withPartitions(this.servicePool, () =>
        this.dataSource.transaction(async (manager) => {
          await manager.query(settings, [tenantId]);
          return work(manager);
        }),
      );
    } catch (error) {
      if (isDatabaseAway(error)) throw databaseAway(error);
      throw error;
    }
  }
}
