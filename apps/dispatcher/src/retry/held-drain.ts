import { Inject, Injectable } from '@nestjs/common';
import type { Pool } from 'pg';
import { SERVICE_POOL } from '#database/database.module';
import type { Logger } from '#observability/logger';
import { LOGGER } from '#observability/observability.module';
import { Periodic } from '../periodic/periodic';
import { endDrains } from './held-drain.queries';

const EVERY_MS = 2_000;

/** Lets webhooks go at full speed again once what they held while inactive has gone out; see `Admission`. */
@Injectable()
export class HeldDrain extends Periodic {
  constructor(@Inject(SERVICE_POOL) pool: Pool, @Inject(LOGGER) logger: Logger) {
    super('looking after held deliveries', EVERY_MS, () => endDrains(pool), logger);
  }
}
