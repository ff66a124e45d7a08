import { Inject, Injectable } from '@nestjs/common';
import { DataSource, type EntityManager } from 'typeorm';
import { databaseAway, isDatabaseAway } from './database-errors';

/** The database as one tenant sees it: row-level security shows no other tenant's rows. */
@Injectable()
export class TenantDatabase {
  constructor(@Inject(DataSource) private readonly dataSource: DataSource) {}

  /**
   * Runs work in one transaction of a tenant.
   * @throws AppError 503 when the database is away; whatever the work throws, after rolling back.
   */
  async run<T>(tenantId: string, work: (manager: EntityManager) => Promise<T>): Promise<T> {
    try {
      return await this.dataSource.transaction(async (manager) => {
        await manager.query(`SELECT set_config('app.tenant_id', $1, true)`, [tenantId]);
        return work(manager);
      });
    } catch (error) {
      if (isDatabaseAway(error)) throw databaseAway(error);
      throw error;
    }
  }
}
