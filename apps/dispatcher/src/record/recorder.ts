import { setTimeout as delay } from 'node:timers/promises';
import { Inject, Injectable } from '@nestjs/common';
import type { Pool } from 'pg';
import { SERVICE_POOL } from '#database/database.module';
import { isWorthRepeating } from '#database/database-errors';
import { GroupCommit } from '#kernel/group-commit';
import type { Logger } from '#observability/logger';
import { LOGGER } from '#observability/observability.module';
import { advancesQueue, writeOrderedOutcomes } from './ordered-outcomes.queries';
import { Lanes } from '../lanes/lanes';
import { OpenBatches } from '../batches/open-batches';
import type { Outcome } from './outcome';
import { writeFirstOutcomes, writeOutcomes } from './record-outcomes.queries';

const GROUP = {
  ...{ maxItems: 500, maxBytes: 4 * 1024 * 1024, maxConcurrent: 2, maxWaiting: Number.MAX_SAFE_INTEGER },
  // Only the slots of a lane wait for a record.
  spacing: { perDuration: 3, maxMs: 10 },
};
const RETRY_MS = 250;

type WriteOutcomes = (outcomes: Outcome[]) => Promise<Set<string>>;

/**
 * Commits outcomes, many at once. While the database is away, outcomes wait here and keep their slots. Writing one twice
 * changes nothing.
 */
@Injectable()
export class Recorder {
  /** Outcomes of deliveries that have no rows yet. */
  private readonly firstCommits: GroupCommit<Outcome, boolean>;
  private readonly commits: GroupCommit<Outcome, boolean>;
  /** Of those that let the next in an ordering queue go: more statements, so they do not slow the others. */
  private readonly orderedCommits: GroupCommit<Outcome, boolean>;
  private failing = false;

  constructor(
    @Inject(SERVICE_POOL) private readonly pool: Pool,
    private readonly openBatches: OpenBatches,
    private readonly lanes: Lanes,
    @Inject(LOGGER) private readonly logger: Logger,
  ) {
    const groupCommit = (write: WriteOutcomes): GroupCommit<Outcome, boolean> =>
      new GroupCommit(
        async (outcomes) => {
          const written = await write(outcomes);
          return outcomes.map(({ work }) => written.has(work.id));
        },
        () => false,
        { ...GROUP, bytesOf: (outcome: Outcome) => outcome.attempt?.responseBody.length ?? 0 },
      );
    this.firstCommits = groupCommit((outcomes) => this.writeFirst(outcomes));
    this.commits = groupCommit((outcomes) => this.untilWritten(outcomes, () => writeOutcomes(pool, outcomes)));
    this.orderedCommits = groupCommit((outcomes) =>
      this.untilWritten(outcomes, () =>
        writeOrderedOutcomes(pool, outcomes, (webhook) => {
          lanes.requestMore(webhook);
        }),
      ),
    );
  }

  /** Resolves after the commit: true when written, false when another dispatcher owned the delivery by then. Never rejects. */
  async record(outcome: Outcome): Promise<boolean> {
    const { writingRows } = outcome.work.batch ?? {};
    if (writingRows) await writingRows;
    const isFirst = this.openBatches.beginRecording(outcome.work);
    try {
      if (isFirst) return await this.firstCommits.add(outcome);
      return await (advancesQueue(outcome) ? this.orderedCommits : this.commits).add(outcome);
    } catch (error) {
      // The database rejected this outcome, not the rest of its group. Its row, or its batch, stays ours until released.
      this.logger.error(
        { err: error, delivery: outcome.work.id },
        'cannot record an outcome: the database rejected it',
      );
      if (isFirst) this.openBatches.rejected(outcome.work);
      return false;
    }
  }

  private async writeFirst(outcomes: Outcome[]): Promise<Set<string>> {
    const works = outcomes.map(({ work }) => work);
    const finished = this.openBatches.finishedWith(works);
    try {
      const written = await this.untilWritten(outcomes, () => writeFirstOutcomes(this.pool, outcomes, finished));
      this.openBatches.recorded(works, finished);
      return written;
    } catch (error) {
      this.openBatches.notRecorded(finished);
      throw error;
    }
  }

  /** Retries while the database is away. @throws the error by which it rejects the outcomes. */
  private async untilWritten(outcomes: Outcome[], write: () => Promise<Set<string>>): Promise<Set<string>> {
    for (;;) {
      try {
        const written = await write();
        if (this.failing) this.logger.info('recording outcomes again');
        this.setFailing(false);
        return written;
      } catch (error) {
        if (!isWorthRepeating(error)) throw error;
        if (!this.failing)
          this.logger.error({ err: error, outcomes: outcomes.length }, 'cannot record outcomes; retrying');
        this.setFailing(true);
        await delay(RETRY_MS);
      }
    }
  }

  private setFailing(isFailing: boolean): void {
    if (this.failing === isFailing) return;
    this.failing = isFailing;
    this.lanes.setRecording(!isFailing);
  }
}
