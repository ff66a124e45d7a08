import type { EntityManager } from 'typeorm';
import type { AuditAction, AuditActor, AuditEntry, AuditResource } from '#database/audit-log.queries';

/** An act as it stands in the audit trail. */
export interface AuditRow {
  id: string;
  project_id: string | null;
  action: AuditAction;
  actor: AuditActor['kind'];
  token_id: string | null;
  user_id: string | null;
  resource_type: AuditResource;
  resource_id: string;
  client_ip: string | null;
  request_id: string | null;
  details: NonNullable<AuditEntry['details']>;
}

/** Which acts are wanted; what is null does not matter. */
export interface AuditFilter {
  /** For a token bound to a project: only what belongs to it. */
  projectId: string | null;
  action: string | null;
  actor: string | null;
  tokenId: string | null;
  userId: string | null;
  resourceId: string | null;
  /** Ids, half-open. */
  from: string;
  until: string;
}

const COLUMNS =
  'id, project_id, action, actor, token_id, user_id, resource_type, resource_id, client_ip, request_id, details';

/** Acts upon what is the tenant's, newest first. The range of ids lets the planner leave out partitions. */
export async function readAuditLog(
  manager: EntityManager,
  tenantId: string,
  filter: AuditFilter,
  limit: number,
): Promise<AuditRow[]> {
  const wanted = [
    ['project_id', filter.projectId],
    ['action', filter.action],
    ['actor', filter.actor],
    ['token_id', filter.tokenId],
    ['user_id', filter.userId],
    ['resource_id', filter.resourceId],
  ].filter(([, value]) => value !== null);
  const conditions = wanted.map(([column], index) => ` AND ${column} = $${index + 5}`);
  return manager.query(
    `SELECT ${COLUMNS} FROM audit_log WHERE tenant_id = $1 AND id >= $2 AND id < $3${conditions.join('')}
     ORDER BY id DESC LIMIT $4`,
    [tenantId, filter.from, filter.until, limit, ...wanted.map(([, value]) => value)],
  );
}
