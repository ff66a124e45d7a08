import type { EntityManager } from 'typeorm';
import { recordAudit, type AuditActor, type AuditEntry } from '#database/audit-log.queries';
import type { Caller } from '../caller/caller';

/** What a caller did; see {@link AuditEntry}. */
export type Act = Omit<AuditEntry, 'tenantId' | 'actor'>;

/** The names of the fields that a change gives, which is all the audit trail tells of them. */
export function givenFields(change: object): string[] {
  return Object.entries(change).flatMap(([field, value]) => (value === undefined ? [] : [field]));
}

/**
 * Adds what a caller does to the audit trail of their tenant. To be called in the transaction that does it, so that
 * neither is there without the other.
 */
export function recordAct(manager: EntityManager, caller: Caller, ...acts: Act[]): Promise<void> {
  const { tenantId } = caller;
  return recordAudit(
    manager,
    acts.map((act) => ({ tenantId, actor: actorOf(caller), ...act })),
  );
}

/** A caller as the audit trail names them. */
export function actorOf({ tokenId, userId, clientIp, requestId }: Caller): AuditActor {
  return { kind: 'token', tokenId, userId, clientIp, requestId };
}
