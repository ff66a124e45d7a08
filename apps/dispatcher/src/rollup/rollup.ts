import { Inject, Injectable } from '@nestjs/common';
import type { Pool } from 'pg';
import { SERVICE_POOL } from '#database/database.module';
import type { Logger } from '#observability/logger';
import { LOGGER } from '#observability/observability.module';
import { Periodic } from '../periodic/periodic';
import { findWorthFolding, foldDeltas, SLICES } from './rollup.queries';

const EVERY_MS = 2_000;
/** The look for what is worth folding goes through all deltas; rounds keep a distance of so many times what it takes. */
const LOOK_SPACING = 50;
/**
 * Folding costs a webhook four rows however few deltas it has: with 10,000 webhooks that each had few, it was a tenth
 * of all that a delivery cost. So those wait until they have more, or for their turn, unless they are not many.
 */
const WORTH = { atLeast: 32, orOfFew: 500 };
const DELTAS_PER_FOLD = 5_000;

/** Folds what fan-outs and recorders counted into the statistics that are read; readers add what is not folded yet. */
@Injectable()
export class Rollup extends Periodic {
  private round = 0;
  private notBefore = -Infinity;

  constructor(
    @Inject(SERVICE_POOL) private readonly pool: Pool,
    @Inject(LOGGER) logger: Logger,
  ) {
    super('folding statistics', EVERY_MS, (signal) => this.fold(signal), logger);
  }

  private async fold(signal: AbortSignal): Promise<void> {
    const startedAt = performance.now();
    if (startedAt < this.notBefore) return;
    const due = await findWorthFolding(this.pool, { ...WORTH, orOfSlice: this.round % SLICES });
    this.round += 1;
    this.notBefore = startedAt + (performance.now() - startedAt) * LOOK_SPACING;
    for (const webhookIds of inGroups(due)) {
      while (!signal.aborted && (await foldDeltas(this.pool, webhookIds, DELTAS_PER_FOLD)) === DELTAS_PER_FOLD);
    }
  }
}

/** Webhooks of which the deltas together are about as many as one fold takes. */
function inGroups(due: { webhookId: string; deltas: number }[]): string[][] {
  const groups: string[][] = [];
  let room = 0;
  for (const { webhookId, deltas } of due) {
    if (room < deltas) {
      groups.push([]);
      room = DELTAS_PER_FOLD;
    }
    groups.at(-1)?.push(webhookId);
    room -= deltas;
  }
  return groups;
}
