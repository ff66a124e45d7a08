import { Inject, Injectable } from '@nestjs/common';
import { DataSource, type EntityManager } from 'typeorm';
import { unavailable } from '#kernel/app-error';
import { isDatabaseAway } from './database-errors';

const RETRY_AFTER_SECONDS = 2;

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

/** The answer to a request that needs the database while it is away. */
export function databaseAway(cause: unknown): Error {
  return unavailable('The database is not available at the moment; please try again', RETRY_AFTER_SECONDS, cause);
}
