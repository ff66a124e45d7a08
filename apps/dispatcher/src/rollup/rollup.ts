import { Inject, Injectable } from '@nestjs/common';
import type { Pool } from 'pg';
import { BATCH_POOL } from '#database/database.module';
import type { Logger } from '#observability/logger';
import { LOGGER } from '#observability/observability.module';
import { Periodic } from '../periodic';
import { foldDeltas } from './rollup.queries';

const EVERY_MS = 2_000;
const DELTAS_PER_FOLD = 5_000;

/** Folds what fan-outs and recorders counted into the statistics that are read; readers add what is not folded yet. */
@Injectable()
export class Rollup extends Periodic {
  constructor(@Inject(BATCH_POOL) pool: Pool, @Inject(LOGGER) logger: Logger) {
    super(
      'folding statistics',
      EVERY_MS,
      async (signal) => {
        while (!signal.aborted && (await foldDeltas(pool, DELTAS_PER_FOLD)) === DELTAS_PER_FOLD);
      },
      logger,
    );
  }
}
