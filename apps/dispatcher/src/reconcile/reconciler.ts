import { Inject, Injectable } from '@nestjs/common';
import type { Pool } from 'pg';
import { SERVICE_POOL } from '#database/database.module';
import type { Logger } from '#observability/logger';
import { LOGGER } from '#observability/observability.module';
import { Lanes } from '../lanes/lanes';
import { FanOut } from '../fan-out/fan-out';
import { WebhookDirectory } from '../webhooks/webhook-directory';
import { DEAD_AFTER_MS, DispatcherIdentity } from '../ownership/dispatcher-identity';
import { Leases } from '../ownership/leases';
import { hasEnded, ownProcess } from '../ownership/process-identity';
import { InboundActions } from '../inbound-actions/inbound-actions';
import { releaseOwnerlessRuns } from '../inbound-actions/record-runs.queries';
import { Periodic } from '../periodic/periodic';
import { Claims } from '../retry/claims';
import { Orphans } from './orphans';
import { findNeighbours, findOverdueBatches, findOverdueKeys, releaseOwnerless, takeOver } from './reconcile.queries';

const ROUND_MS = 1_000;
/** A batch this old should have been fanned out by its signal. */
const FAN_OUT_GRACE_MS = 500;
const FAN_OUTS_PER_ROUND = 50;
/** However many batches are overdue, after so long it is the turn of what else a round does. */
const FAN_OUT_TIME_MS = 2_000;
/** Rounds between two looks for deliveries that are ours in the database and in no lane, without suspicion. */
const ORPHAN_ROUNDS = 30;

/**
 * Finds, every second and without reading history, what a lost signal or a dead dispatcher left behind, and
 * works it off by itself: the queue may be emptied at any moment and nothing is lost.
 */
@Injectable()
export class Reconciler {
  private readonly rounds: Periodic;
  private round = 0;
  /** The ordering key behind which to look for overdue batches. */
  private afterKey: Buffer | null = null;
  private readonly namespace = ownProcess()?.namespace ?? null;

  constructor(
    @Inject(SERVICE_POOL) private readonly pool: Pool,
    private readonly identity: DispatcherIdentity,
    private readonly directory: WebhookDirectory,
    private readonly fanOut: FanOut,
    private readonly claims: Claims,
    private readonly lanes: Lanes,
    private readonly leases: Leases,
    private readonly orphans: Orphans,
    private readonly inbound: InboundActions,
    @Inject(LOGGER) private readonly logger: Logger,
  ) {
    this.rounds = new Periodic('reconciling', ROUND_MS, (signal) => this.reconcile(signal), logger);
  }

  start(): void {
    this.rounds.start();
  }

  async stop(): Promise<void> {
    await this.rounds.stop();
  }

  private async reconcile(signal: AbortSignal): Promise<void> {
    if (!this.identity.maySend()) return;
    try {
      await this.runRound(signal);
    } catch (error) {
      // The look at recent changes may be missed for longer than it looks back.
      this.directory.clear();
      throw error;
    }
  }

  private async runRound(signal: AbortSignal): Promise<void> {
    this.round += 1;
    await this.directory.refresh();
    await this.takeOver();
    if (this.identity.takeOrphanSuspicion() || this.round % ORPHAN_ROUNDS === 0) {
      await this.orphans.release(signal);
      await this.inbound.releaseOrphans(signal);
    }
    await this.fanOutDue(FAN_OUT_GRACE_MS, signal);
    await this.claims.claimAll();
    await this.inbound.claimAll();
    await this.leases.releaseIdle((webhookId) => this.lanes.isBusy(webhookId));
  }

  /** Fans out batches that have been due for `graceMs`: their signal was lost, or they were scheduled. */
  async fanOutDue(graceMs: number, signal?: AbortSignal): Promise<void> {
    const endAt = performance.now() + FAN_OUT_TIME_MS;
    for (;;) {
      const overdue = await findOverdueBatches(this.pool, graceMs, FAN_OUTS_PER_ROUND);
      if (overdue.length > 0) await this.fanOut.run(overdue);
      const keys = await findOverdueKeys(this.pool, graceMs, this.afterKey, FAN_OUTS_PER_ROUND);
      this.afterKey = keys.after;
      if (keys.batchIds.length > 0) await this.fanOut.run(keys.batchIds);
      const isAll = overdue.length < FAN_OUTS_PER_ROUND && keys.after === null;
      if (isAll || performance.now() > endAt) return;
      if (signal?.aborted === true || !this.identity.maySend()) return;
    }
  }

  private async takeOver(): Promise<void> {
    const mayJudge = this.identity.mayJudgeOthers();
    if (mayJudge && this.round % ORPHAN_ROUNDS === 0) {
      const released = (await releaseOwnerless(this.pool)) + (await releaseOwnerlessRuns(this.pool));
      if (released > 0) this.logger.error({ released }, 'work of an owner without a row waits for anyone again');
    }
    const ended = await this.endedNeighbours();
    if (!mayJudge && ended.length === 0) return;
    const taken = await takeOver(this.pool, { silentForMs: mayJudge ? DEAD_AFTER_MS : null, ended });
    if (taken.dispatchers > 0) this.logger.warn(taken, 'took over the work of dead dispatchers');
  }

  /** Dispatchers of this machine whose processes have ended: nobody has to wait for their heartbeat. */
  private async endedNeighbours(): Promise<string[]> {
    if (this.namespace === null) return [];
    const neighbours = await findNeighbours(this.pool, this.namespace);
    return neighbours.filter((neighbour) => hasEnded(neighbour)).map(({ id }) => id);
  }
}
