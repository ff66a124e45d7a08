import { Inject, Injectable } from '@nestjs/common';
import type { Pool } from 'pg';
import { SERVICE_POOL } from '#database/database.module';
import type { Logger } from '#observability/logger';
import { LOGGER } from '#observability/observability.module';
import { Periodic } from '../periodic/periodic';
import { dissolve, findChangedWebhooks, repairQueues, passGivenUp } from './repair-ordering-queues.queries';
import type { OrderingQueue } from '#database/ordering-queues.queries';

const EVERY_MS = 1_000;
/** Deliveries or queues changed by one transaction, which keeps their locks short. */
const AT_ONCE = 500;
/** Of one webhook, before it is the turn of the next. */
const MAX_ROUNDS = 20;

/**
 * Looks after queues when something else than the end of a delivery changes them: ordering is turned off, a webhook is
 * made inactive or deleted, or need not wait any more behind what was given up.
 */
@Injectable()
export class OrderingQueueRepair extends Periodic {
  private after: OrderingQueue | null = null;

  constructor(
    @Inject(SERVICE_POOL) private readonly pool: Pool,
    @Inject(LOGGER) logger: Logger,
  ) {
    super('looking after ordered deliveries', EVERY_MS, (signal) => this.look(signal), logger);
  }

  private async look(signal: AbortSignal): Promise<void> {
    for (const { webhookId, change } of await findChangedWebhooks(this.pool)) {
      const act = change === 'dissolve' ? dissolve : passGivenUp;
      for (let round = 0; round < MAX_ROUNDS && !signal.aborted; round += 1) {
        if ((await act(this.pool, webhookId, AT_ONCE)) < AT_ONCE) break;
      }
    }
    const { after } = await repairQueues(this.pool, this.after, AT_ONCE);
    this.after = after;
  }
}
