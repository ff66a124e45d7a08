import { Inject, Injectable } from '@nestjs/common';
import type { Pool } from 'pg';
import { BATCH_POOL } from '#database/database.module';
import type { Logger } from '#observability/logger';
import { LOGGER } from '#observability/observability.module';
import { Periodic } from '../periodic';
import { foldDeltas } from './rollup.queries';

const EVERY_MS = 2_000;
/** Rounds between two in which everything is folded. */
const WHOLE_ROUNDS = 5;
/**
 * In the others, only webhooks that have so many deltas: folding costs a webhook four rows however few it has, and with
 * many webhooks that each have few it was a tenth of all that a delivery cost.
 */
const WORTH_FOLDING = 8;
const DELTAS_PER_FOLD = 5_000;

/** Folds what fan-outs and recorders counted into the statistics that are read; readers add what is not folded yet. */
@Injectable()
export class Rollup extends Periodic {
  constructor(@Inject(BATCH_POOL) pool: Pool, @Inject(LOGGER) logger: Logger) {
    let round = 0;
    super(
      'folding statistics',
      EVERY_MS,
      async (signal) => {
        const atLeast = round % WHOLE_ROUNDS === 0 ? 1 : WORTH_FOLDING;
        round += 1;
        while (!signal.aborted && (await foldDeltas(pool, DELTAS_PER_FOLD, atLeast)) === DELTAS_PER_FOLD);
      },
      logger,
    );
  }
}
