import type { Pool } from 'pg';
import { findDueEndpoints, type DueEndpoint } from './claim-runs.queries';

/** Endpoints of one look at the database; the next goes on behind the last. */
const ENDPOINTS_PER_LOOK = 1_000;
/** Beyond it those longest known are forgotten, and found by a look again. */
const MAX_KNOWN = 1_000;

/**
 * Which endpoints may have runs that are due: those that a signal named, those that were not given all they could have,
 * and, where it is asked for, those that a look at all that wait finds. A look goes past every row that is taken and not
 * yet vacuumed (7 ms under a backlog), so it is for what no signal names: retries, lost signals, dead dispatchers.
 */
export class DueEndpoints {
  private readonly known = new Map<string, DueEndpoint>();
  private after: string | null = null;
  private isLookWanted = false;

  constructor(private readonly pool: Pool) {}

  /** Whether a look was asked for, or is not at its end. */
  get wantsLook(): boolean {
    return this.isLookWanted;
  }

  /** Whether there may be anything to claim. */
  get any(): boolean {
    return this.isLookWanted || this.known.size > 0;
  }

  add(endpoints: Iterable<DueEndpoint>): void {
    for (const endpoint of endpoints) this.known.set(endpoint.endpointId, endpoint);
    for (const endpointId of this.known.keys()) {
      if (this.known.size <= MAX_KNOWN) break;
      this.known.delete(endpointId);
    }
  }

  wantLook(): void {
    this.isLookWanted = true;
  }

  /** Takes all that are known, and found. @throws what the database throws; they are known on then. */
  async take(): Promise<DueEndpoint[]> {
    if (this.isLookWanted) await this.look();
    const endpoints = [...this.known.values()];
    this.known.clear();
    return endpoints;
  }

  private async look(): Promise<void> {
    this.isLookWanted = false;
    const found = await findDueEndpoints(this.pool, this.after, ENDPOINTS_PER_LOOK);
    const isWhole = found.length < ENDPOINTS_PER_LOOK;
    this.after = isWhole ? null : (found.at(-1)?.endpointId ?? null);
    this.isLookWanted ||= !isWhole;
    this.add(found);
  }
}
