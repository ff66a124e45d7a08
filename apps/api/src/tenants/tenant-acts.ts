import { createParamDecorator, type ExecutionContext } from '@nestjs/common';
import type { FastifyRequest } from 'fastify';
import type { AuditActor, AuditEntry } from '#database/audit-log.queries';
import { formatId } from '#kernel/ids';
import { givenFields } from '../audit/record-act';
import type { UpdateTenantDto } from './dto/tenant.dto';
import type { TenantRow } from './tenants.queries';

/** The operator as the audit trail names them. */
export type Operator = Extract<AuditActor, { kind: 'operator' }>;

/** The operator, who makes the request: a parameter of handlers behind the AdminGuard. */
export const CurrentOperator = createParamDecorator((_data: unknown, context: ExecutionContext): Operator => {
  const { clientIp, id } = context.switchToHttp().getRequest<FastifyRequest>();
  return { kind: 'operator', clientIp, requestId: id };
});

/** The part of an act upon a tenant that says which one. */
export function aboutTenant(tenantId: string): AuditEntry['resource'] {
  return { type: 'tenant', id: formatId('tenant', tenantId) };
}

/** What a change means for the audit trail; limits and the like are told by the names of the fields. */
export function tenantActs(before: TenantRow, change: UpdateTenantDto): Pick<AuditEntry, 'action' | 'details'>[] {
  const { status, ...rest } = change;
  const fields = givenFields(rest);
  const acts: Pick<AuditEntry, 'action' | 'details'>[] = [];
  if (fields.length > 0) acts.push({ action: 'tenant.updated', details: { fields } });
  if (status !== undefined && status !== before.status) {
    acts.push({ action: status === 'suspended' ? 'tenant.suspended' : 'tenant.resumed' });
  }
  return acts;
}
