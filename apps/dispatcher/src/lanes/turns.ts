/** What takes turns: something of a tenant that may begin now. */
export interface TurnTaker {
  readonly tenantId: string;
}

interface Tenant<T> {
  id: string;
  /** In the order in which they became ready. */
  ready: Set<T>;
  /** Whether it stands in the row. */
  queued: boolean;
}

/** Turns between tenants and, within a tenant, between those of its lanes that may begin: one start each. */
export class Turns<T extends TurnTaker> {
  private readonly tenants = new Map<string, Tenant<T>>();
  private row: Tenant<T>[] = [];

  /** Lets a lane take part until it is taken by {@link next} or withdrawn. */
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
   * Whose turn it is, or null when nobody may begin. A tenant that may not begin now is passed over until
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

  /** Has a tenant stand in the row again that was passed over. */
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
