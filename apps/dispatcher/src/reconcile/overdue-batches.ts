import { Inject, Injectable } from '@nestjs/common';
import type { Pool } from 'pg';
import { SERVICE_POOL } from '#database/database.module';
import { FanOut } from '../fan-out/fan-out';
import { DispatcherIdentity } from '../ownership/dispatcher-identity';
import { findOverdueBatches, findOverdueKeys } from './reconcile.queries';

const BATCHES_PER_LOOK = 50;
/** However many batches are overdue, the reconciler does its other work after so long. */
const MAX_MS = 2_000;

/** Fans out event batches that are due and that nobody has taken: their signal was lost, or they were scheduled. */
@Injectable()
export class OverdueBatches {
  /** The ordering key behind which to look next. */
  private afterKey: Buffer | null = null;

  constructor(
    @Inject(SERVICE_POOL) private readonly pool: Pool,
    private readonly identity: DispatcherIdentity,
    private readonly fanOuts: FanOut,
  ) {}

  /** @param graceMs for how long a batch has to have been due. @throws what the database throws. */
  async fanOut(graceMs: number, signal?: AbortSignal): Promise<void> {
    const endAt = performance.now() + MAX_MS;
    for (;;) {
      const overdue = await findOverdueBatches(this.pool, graceMs, BATCHES_PER_LOOK);
      if (overdue.length > 0) await this.fanOuts.run(overdue);
      const keys = await findOverdueKeys(this.pool, graceMs, this.afterKey, BATCHES_PER_LOOK);
      this.afterKey = keys.after;
      if (keys.batchIds.length > 0) await this.fanOuts.run(keys.batchIds);
      const isAll = overdue.length < BATCHES_PER_LOOK && keys.after === null;
      if (isAll || performance.now() > endAt) return;
      if (signal?.aborted === true || !this.identity.maySend()) return;
    }
  }
}
