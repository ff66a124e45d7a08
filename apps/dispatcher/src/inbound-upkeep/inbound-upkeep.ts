import { Inject, Injectable } from '@nestjs/common';
import type { Pool } from 'pg';
import { SERVICE_POOL } from '#database/database.module';
import type { Logger } from '#observability/logger';
import { LOGGER } from '#observability/observability.module';
import { Periodic } from '../periodic/periodic';
import { cutLog, foldTriggers, forgetSeen } from './inbound-upkeep.queries';

const EVERY_MS = 2_000;
const DELTAS_PER_FOLD = 5_000;
const ROWS_PER_STATEMENT = 2_000;

/** Folds what inbound endpoints counted, cuts their logs to their limits and forgets deliveries that expired. */
@Injectable()
export class InboundUpkeep extends Periodic {
  constructor(@Inject(SERVICE_POOL) pool: Pool, @Inject(LOGGER) logger: Logger) {
    super(
      'upkeep of inbound endpoints',
      EVERY_MS,
      async (signal) => {
        let folded: number;
        do {
          const round = await foldTriggers(pool, DELTAS_PER_FOLD);
          folded = round.folded;
          for (const endpoint of round.endpoints) {
            while (!signal.aborted && (await cutLog(pool, endpoint, ROWS_PER_STATEMENT)) === ROWS_PER_STATEMENT);
          }
        } while (!signal.aborted && folded === DELTAS_PER_FOLD);
        while (!signal.aborted && (await forgetSeen(pool, ROWS_PER_STATEMENT)) === ROWS_PER_STATEMENT);
      },
      logger,
    );
  }
}
