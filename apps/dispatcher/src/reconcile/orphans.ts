import { setTimeout as delay } from 'node:timers/promises';
import { Inject, Injectable } from '@nestjs/common';
import type { Pool } from 'pg';
import { SERVICE_POOL } from '#database/database.module';
import type { Logger } from '#observability/logger';
import { LOGGER } from '#observability/observability.module';
import { Lanes } from '../lanes/lanes';
import { DispatcherIdentity } from '../ownership/dispatcher-identity';
import { findOwned, releaseOrphans } from './reconcile.queries';

/** A claim that takes longer hangs; its deliveries are looked at again in the next round. */
const ARRIVAL_DEADLINE_MS = 5_000;

/** Deliveries that the database shows as ours and that nobody here knows of, as after a connection that broke during a commit. */
@Injectable()
export class Orphans {
  constructor(
    @Inject(SERVICE_POOL) private readonly pool: Pool,
    private readonly identity: DispatcherIdentity,
    private readonly lanes: Lanes,
    @Inject(LOGGER) private readonly logger: Logger,
  ) {}

  /**
   * Lets them wait for anyone. What a look finds as ours is in a lane, or ended meanwhile, or still on its way into one:
   * once all that was on its way has arrived, the rest is in nobody's hands. By its epoch, since it may have been let go
   * and taken again. @throws what the database throws.
   */
  async release(signal: AbortSignal): Promise<void> {
    const suspects = (await findOwned(this.pool, this.identity.id)).filter(({ id }) => !this.lanes.holds(id));
    if (suspects.length === 0) return;
    if (!(await this.haveArrived(signal))) {
      this.identity.suspectOrphans();
      return;
    }
    const orphans = suspects.filter(({ id }) => !this.lanes.holds(id));
    if (orphans.length === 0) return;
    const released = await releaseOrphans(this.pool, this.identity.id, orphans);
    if (released > 0)
      this.logger.warn({ released }, 'deliveries that a broken connection left in no lane wait for anyone again');
  }

  private haveArrived(signal: AbortSignal): Promise<boolean> {
    const arrived = this.lanes.acquisitions.settled().then(() => true);
    const gaveUp = delay(ARRIVAL_DEADLINE_MS, false, { signal, ref: false }).catch(() => false);
    return Promise.race([arrived, gaveUp]);
  }
}
