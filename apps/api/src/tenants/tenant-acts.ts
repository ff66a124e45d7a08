import type { AuditEntry } from '#database/audit-log.queries';
import { formatId } from '#kernel/ids';
import { givenFields } from '../audit-trail/record-act';
import type { UpdateTenantDto } from './dto/tenant.dto';
import type { TenantRow } from './tenants.queries';

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
