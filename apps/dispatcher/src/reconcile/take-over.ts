import { Inject, Injectable } from '@nestjs/common';
import type { Pool } from 'pg';
import { SERVICE_POOL } from '#database/database.module';
import type { Logger } from '#observability/logger';
import { LOGGER } from '#observability/observability.module';
import { releaseOwnerlessRuns } from '../inbound-actions/record-runs.queries';
import { DEAD_AFTER_MS, DispatcherIdentity } from '../ownership/dispatcher-identity';
import { hasEnded, ownProcess } from '../ownership/process-identity';
import { findNeighbours, releaseOwnerless, takeOver } from './reconcile.queries';

/** Gives the work of dead dispatchers back to the database, for any dispatcher to claim. */
@Injectable()
export class TakeOver {
  private readonly namespace = ownProcess()?.namespace ?? null;

  constructor(
    @Inject(SERVICE_POOL) private readonly pool: Pool,
    private readonly identity: DispatcherIdentity,
    @Inject(LOGGER) private readonly logger: Logger,
  ) {}

  /** Declares silent dispatchers dead, and those of this machine whose process has ended. @throws what the database throws. */
  async fromDead(): Promise<void> {
    const mayJudge = this.identity.mayJudgeOthers();
    const ended = await this.endedNeighbours();
    if (!mayJudge && ended.length === 0) return;
    const taken = await takeOver(this.pool, { silentForMs: mayJudge ? DEAD_AFTER_MS : null, ended });
    if (taken.dispatchers > 0) this.logger.warn(taken, 'took over the work of dead dispatchers');
  }

  /** Releases work whose owner has no row. There should be none. @throws what the database throws. */
  async fromOwnerless(): Promise<void> {
    if (!this.identity.mayJudgeOthers()) return;
    const released = (await releaseOwnerless(this.pool)) + (await releaseOwnerlessRuns(this.pool));
    if (released > 0) this.logger.error({ released }, 'released work of an owner without a row');
  }

  /** Dispatchers of this machine whose process has ended: no need to wait for their heartbeat to time out. */
  private async endedNeighbours(): Promise<string[]> {
    if (this.namespace === null) return [];
    const neighbours = await findNeighbours(this.pool, this.namespace);
    return neighbours.filter((neighbour) => hasEnded(neighbour)).map(({ id }) => id);
  }
}
