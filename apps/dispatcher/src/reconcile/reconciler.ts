import { Inject, Injectable } from '@nestjs/common';
import type { Logger } from '#observability/logger';
import { LOGGER } from '#observability/observability.module';
import { DispatcherIdentity } from '../ownership/dispatcher-identity';
import { Periodic } from '../periodic/periodic';
import { WebhookDirectory } from '../webhooks/webhook-directory';
import { Orphans } from './orphans';
import { OverdueBatches } from './overdue-batches';
import { TakeOver } from './take-over';
import { WaitingWork } from './waiting-work';

const ROUND_MS = 1_000;
/** A batch that has been due for so long should have been fanned out by its signal. */
const BATCH_GRACE_MS = 500;
/** Rounds between two looks for ownerless work and, without suspicion, for orphans. */
const RARE_ROUNDS = 30;

/**
 * Finds, every second and without reading history, what a lost signal or a dead dispatcher left behind, and works it off:
 * the queue may be emptied at any moment and nothing is lost.
 */
@Injectable()
export class Reconciler {
  private readonly rounds: Periodic;
  private round = 0;

  constructor(
    private readonly identity: DispatcherIdentity,
    private readonly directory: WebhookDirectory,
    private readonly takeOver: TakeOver,
    private readonly orphans: Orphans,
    private readonly overdue: OverdueBatches,
    private readonly waiting: WaitingWork,
    @Inject(LOGGER) logger: Logger,
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
      // Changes may now be older than the window that refresh() reads.
      this.directory.clear();
      throw error;
    }
  }

  private async runRound(signal: AbortSignal): Promise<void> {
    this.round += 1;
    const isRareRound = this.round % RARE_ROUNDS === 0;
    await this.directory.refresh();
    if (isRareRound) await this.takeOver.fromOwnerless();
    await this.takeOver.fromDead();
    await this.orphans.releaseSuspected(isRareRound, signal);
    await this.overdue.fanOut(BATCH_GRACE_MS, signal);
    await this.waiting.claimAll();
  }
}
