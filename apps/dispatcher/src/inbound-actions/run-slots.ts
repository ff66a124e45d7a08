import { Slots } from '../lanes/slots';
import type { DueEndpoint, EndpointRoom } from './claim-runs.queries';

/** Places that slow runs may take beside the young ones, as a multiple of these. */
const SLOW_FACTOR = 8;
const SLOW_AFTER_MS = 1_000;

/**
 * Who may begin: so many runs at once, fewer of one endpoint, and turns between tenants. A run that takes long gives
 * its place up after a moment, see {@link Slots}, so that one that hangs holds nobody up.
 */
export class RunSlots {
  private readonly slots: Slots;
  private readonly ofTenant = new Map<string, number>();
  private readonly ofEndpoint = new Map<string, number>();

  constructor(
    private readonly maxInFlight: number,
    private readonly maxPerEndpoint: number,
  ) {
    this.slots = new Slots({ maxInFlight, maxSlow: maxInFlight * SLOW_FACTOR, slowAfterMs: SLOW_AFTER_MS });
  }

  get inFlight(): number {
    return this.slots.inFlight;
  }

  get free(): number {
    return Math.max(0, this.maxInFlight - (this.slots.inFlight - this.slots.slowCount));
  }

  /**
   * Shares the free places out among endpoints of which something is due: tenants take turns, those with the least
   * under way first, and the endpoints of a tenant among themselves.
   */
  share(due: DueEndpoint[], random: () => number): EndpointRoom[] {
    const tenants = new Map<string, EndpointRoom[]>();
    for (const endpoint of due) {
      if (this.of(endpoint) >= this.maxPerEndpoint) continue;
      const rooms = tenants.get(endpoint.tenantId) ?? [];
      rooms.push({ ...endpoint, room: 0 });
      tenants.set(endpoint.tenantId, rooms);
    }
    let row = shuffled([...tenants.entries()], random)
      .sort(([a], [b]) => (this.ofTenant.get(a) ?? 0) - (this.ofTenant.get(b) ?? 0))
      .map(([, rooms]) => shuffled(rooms, random).sort((a, b) => this.of(a) - this.of(b)));
    let left = this.free;
    while (left > 0 && row.length > 0) {
      for (const rooms of row) {
        if (left === 0) break;
        const next = rooms.shift();
        if (next === undefined) continue;
        next.room += 1;
        left -= 1;
        if (this.of(next) + next.room < this.maxPerEndpoint) rooms.push(next);
      }
      row = row.filter((rooms) => rooms.length > 0);
    }
    return due.length === 0 ? [] : [...tenants.values()].flat().filter(({ room }) => room > 0);
  }

  take(run: DueEndpoint & { runId: string }, now: number): void {
    this.slots.take(run.tenantId, run.runId, now);
    count(this.ofTenant, run.tenantId, 1);
    count(this.ofEndpoint, run.endpointId, 1);
  }

  release(run: DueEndpoint & { runId: string }): void {
    this.slots.release(run.runId);
    count(this.ofTenant, run.tenantId, -1);
    count(this.ofEndpoint, run.endpointId, -1);
  }

  /** Lets those that have become slow give their places up; @returns whether any did. */
  sweep(now: number): boolean {
    return this.slots.sweep(now) > 0;
  }

  private of({ endpointId }: DueEndpoint): number {
    return this.ofEndpoint.get(endpointId) ?? 0;
  }
}

function count(counts: Map<string, number>, key: string, by: number): void {
  const left = (counts.get(key) ?? 0) + by;
  if (left > 0) counts.set(key, left);
  else counts.delete(key);
}

function shuffled<T>(items: T[], random: () => number): T[] {
  return items
    .map((item) => ({ item, at: random() }))
    .sort((a, b) => a.at - b.at)
    .map(({ item }) => item);
}
