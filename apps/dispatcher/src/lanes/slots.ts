export interface SlotsOptions {
  /** Requests under way that are still young. */
  maxInFlight: number;
  /** Requests under way that have become slow, beside the young ones. */
  maxSlow: number;
  /** After how long a request counts as slow. */
  slowAfterMs: number;
}

/** The share of the slots that one tenant may take, so that others always find a free one. */
const TENANT_SHARE = 0.75;

/**
 * Slots for requests under way. A request that hangs gives up its slot after a moment and counts as slow. There may be
 * many more slow ones: they cost a socket, but delay nobody.
 */
export class Slots {
  /** Start (monotonic ms) by request; in the order in which they began. */
  private readonly young = new Map<string, { tenantId: string; startedAt: number }>();
  private readonly slow = new Set<string>();
  private readonly perTenant = new Map<string, number>();
  private readonly tenantMax: number;

  constructor(private readonly options: SlotsOptions) {
    this.tenantMax = Math.max(1, Math.floor(options.maxInFlight * TENANT_SHARE));
  }

  get inFlight(): number {
    return this.young.size + this.slow.size;
  }

  get slowCount(): number {
    return this.slow.size;
  }

  /** Whether any request may begin. */
  hasFree(): boolean {
    return this.young.size < this.options.maxInFlight;
  }

  /** Whether a request of this tenant may begin. */
  hasFreeFor(tenantId: string): boolean {
    return this.hasFree() && (this.perTenant.get(tenantId) ?? 0) < this.tenantMax;
  }

  take(tenantId: string, requestId: string, now: number): void {
    this.young.set(requestId, { tenantId, startedAt: now });
    this.perTenant.set(tenantId, (this.perTenant.get(tenantId) ?? 0) + 1);
  }

  release(requestId: string): void {
    if (!this.slow.delete(requestId)) this.leaveYoung(requestId);
  }

  /** Frees the slots of requests that have become slow; @returns how many. Cheap: it looks at the oldest only. */
  sweep(now: number): number {
    let moved = 0;
    for (const [requestId, { startedAt }] of this.young) {
      if (now - startedAt < this.options.slowAfterMs || this.slow.size >= this.options.maxSlow) break;
      this.leaveYoung(requestId);
      this.slow.add(requestId);
      moved += 1;
    }
    return moved;
  }

  private leaveYoung(requestId: string): void {
    const request = this.young.get(requestId);
    if (request === undefined) return;
    this.young.delete(requestId);
    const left = (this.perTenant.get(request.tenantId) ?? 1) - 1;
    if (left === 0) this.perTenant.delete(request.tenantId);
    else this.perTenant.set(request.tenantId, left);
  }
}
