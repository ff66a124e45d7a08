/** Something of a tenant that takes turns. */
export interface TurnTaker {
  readonly tenantId: string;
}

interface Tenant<T> {
  id: string;
  /** In the order in which they became ready. */
  ready: Set<T>;
  /** Whether it is in the row. */
  queued: boolean;
}

/** Tenants take turns and, within a tenant, its ready lanes do: one start each. */
export class Turns<T extends TurnTaker> {
  private readonly tenants = new Map<string, Tenant<T>>();
  private row: Tenant<T>[] = [];

  /** Adds a ready lane, until {@link next} takes it. */
  add(taker: T): void {
    let tenant = this.tenants.get(taker.tenantId);
    if (tenant === undefined) {
      tenant = { id: taker.tenantId, ready: new Set(), queued: false };
      this.tenants.set(taker.tenantId, tenant);
    }
    tenant.ready.add(taker);
    this.queue(tenant);
  }

  /**
   * The lane whose turn it is, or null when none may begin. A tenant that may not begin now is skipped until
   * {@link reconsider} is called for it.
   */
  next(mayBegin: (tenantId: string) => boolean): T | null {
    for (let tenant = this.row.shift(); tenant !== undefined; tenant = this.row.shift()) {
      tenant.queued = false;
      if (!mayBegin(tenant.id)) continue;
      const [taker] = tenant.ready;
      if (taker === undefined) continue;
      tenant.ready.delete(taker);
      if (tenant.ready.size === 0) this.tenants.delete(tenant.id);
      else this.queue(tenant);
      return taker;
    }
    return null;
  }

  /** Re-queues a skipped tenant. */
  reconsider(tenantId: string): void {
    const tenant = this.tenants.get(tenantId);
    if (tenant !== undefined) this.queue(tenant);
  }

  reconsiderAll(): void {
    for (const tenant of this.tenants.values()) this.queue(tenant);
  }

  private queue(tenant: Tenant<T>): void {
    if (tenant.queued) return;
    tenant.queued = true;
    this.row.push(tenant);
  }
}
