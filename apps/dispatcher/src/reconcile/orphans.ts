import { setTimeout as delay } from 'node:timers/promises';
import { Inject, Injectable } from '@nestjs/common';
import type { Pool } from 'pg';
import { SERVICE_POOL } from '#database/database.module';
import type { Logger } from '#observability/logger';
import { LOGGER } from '#observability/observability.module';
import { InboundActions } from '../inbound-actions/inbound-actions';
import { Lanes } from '../lanes/lanes';
import { DispatcherIdentity } from '../ownership/dispatcher-identity';
import { findOwned, releaseOrphans } from './reconcile.queries';

/** A claim that takes longer hangs; the next round looks at its deliveries again. */
const ARRIVAL_DEADLINE_MS = 5_000;

/** Deliveries that the database shows as ours and that no lane holds, for example after a connection broke during a commit. */
@Injectable()
export class Orphans {
  /** At the start too: a former process under this id may have left some. */
  private areSuspected = true;

  constructor(
    @Inject(SERVICE_POOL) private readonly pool: Pool,
    private readonly identity: DispatcherIdentity,
    private readonly lanes: Lanes,
    private readonly inbound: InboundActions,
    @Inject(LOGGER) private readonly logger: Logger,
  ) {
    identity.events.on('orphansSuspected', () => {
      this.areSuspected = true;
    });
  }

  /** Releases orphans, if there may be any or `always`. @throws what the database throws. */
  async releaseSuspected(always: boolean, signal: AbortSignal): Promise<void> {
    if (!this.areSuspected && !always) return;
    this.areSuspected = false;
    await this.release(signal);
    await this.inbound.releaseOrphans(signal);
  }

  /**
   * Releases them for any dispatcher to claim. A delivery that the database shows as ours is in a lane, or on its way into
   * one, or has ended meanwhile; once all that was on its way has arrived, the rest are orphans. Matched by epoch, since
   * one may have been released and claimed again. @throws what the database throws.
   */
  async release(signal: AbortSignal): Promise<void> {
    const suspects = (await findOwned(this.pool, this.identity.id)).filter(({ id }) => !this.lanes.holds(id));
    if (suspects.length === 0) return;
    if (!(await this.haveArrived(signal))) {
      this.areSuspected = true;
      return;
    }
    const orphans = suspects.filter(({ id }) => !this.lanes.holds(id));
    if (orphans.length === 0) return;
    const released = await releaseOrphans(this.pool, this.identity.id, orphans);
    if (released > 0) this.logger.warn({ released }, 'released deliveries that a broken connection left in no lane');
  }

  private haveArrived(signal: AbortSignal): Promise<boolean> {
    const arrived = this.lanes.acquisitions.untilIdle().then(() => true);
    const gaveUp = delay(ARRIVAL_DEADLINE_MS, false, { signal, ref: false }).catch(() => false);
    return Promise.race([arrived, gaveUp]);
  }
}
