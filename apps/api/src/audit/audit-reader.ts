import { Inject, Injectable } from '@nestjs/common';
import { TenantDatabase } from '#database/tenant-database';
import { readAuditLog, type AuditRow } from './audit.queries';
import { toAuditFilter, type ListAuditQuery } from './dto/list-audit.query';

/** Reads the audit trail of a tenant. */
@Injectable()
export class AuditReader {
  constructor(@Inject(TenantDatabase) private readonly database: TenantDatabase) {}

  /**
   * A page, newest first, and one more where there are more.
   * @param projectId of the token that asks, which sees what belongs to its project; null for everything.
   * @throws AppError 400 for filters that cannot be.
   */
  async list(tenantId: string, projectId: string | null, query: ListAuditQuery): Promise<AuditRow[]> {
    const filter = toAuditFilter(query, projectId);
    return this.database.run(tenantId, (manager) => readAuditLog(manager, tenantId, filter, query.limit + 1));
  }
}
