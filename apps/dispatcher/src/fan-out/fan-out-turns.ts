import { setImmediate as afterOthers } from 'node:timers/promises';

/** Work of one tenant that is done in steps. */
export interface LongFanOut {
  tenantId: string;
  /** Does a step; answers whether there is another. Never rejects. */
  step(): Promise<boolean>;
}

/**
 * Large fan-outs, one step of one of them at a time: turns go round the tenants, and within a tenant first come is
 * first served. Small ones never wait here.
 */
export class FanOutTurns {
  private readonly tenants = new Map<string, LongFanOut[]>();
  private running: Promise<void> | null = null;
  private count = 0;

  /** How many are under way or wait. */
  get length(): number {
    return this.count;
  }

  add(work: LongFanOut): void {
    const own = this.tenants.get(work.tenantId);
    if (own === undefined) this.tenants.set(work.tenantId, [work]);
    else own.push(work);
    this.count += 1;
    this.running ??= this.run();
  }

  /** Resolves once nothing is left. */
  async untilIdle(): Promise<void> {
    await this.running;
  }

  private async run(): Promise<void> {
    for (;;) {
      const [next] = this.tenants;
      if (next === undefined) break;
      const [tenantId, works] = next;
      const goesOn = (await works[0]?.step()) ?? false;
      if (!goesOn) {
        works.shift();
        this.count -= 1;
      }
      // To the end, behind whoever came meanwhile: the map's order is the order of turns.
      this.tenants.delete(tenantId);
      if (works.length > 0) this.tenants.set(tenantId, works);
      await afterOthers();
    }
    this.running = null;
  }
}
