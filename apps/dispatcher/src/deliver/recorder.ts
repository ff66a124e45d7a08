import { setTimeout as delay } from 'node:timers/promises';
import { Inject, Injectable } from '@nestjs/common';
import type { Pool } from 'pg';
import { BATCH_POOL } from '#database/database.module';
import { isWorthRepeating } from '#database/database-errors';
import { GroupCommit } from '#kernel/group-commit';
import type { Logger } from '#observability/logger';
import { LOGGER } from '#observability/observability.module';
import { movesLine, writeOrderedOutcomes } from '../ordering/ordered-outcomes.queries';
import { Lanes } from './lanes';
import { writeOutcomes, type Outcome } from './recorder.queries';

const GROUP = {
  ...{ maxItems: 500, maxBytes: 4 * 1024 * 1024, maxConcurrent: 2, maxWaiting: Number.MAX_SAFE_INTEGER },
  maxSpacingMs: 10,
};
const RETRY_MS = 250;

type WriteOutcomes = (pool: Pool, outcomes: Outcome[]) => Promise<Set<string>>;

/**
 * Commits outcomes, many at once. While the database is away an outcome waits here, and its lane's place
 * with it; writing one twice changes nothing, since the first time clears its owner.
 */
@Injectable()
export class Recorder {
  private readonly commits: GroupCommit<Outcome, boolean>;
  /** Of those that let the next in a line go: more statements, so they do not slow the others. */
  private readonly commitsInLine: GroupCommit<Outcome, boolean>;
  private failing = false;

  constructor(
    @Inject(BATCH_POOL) private readonly pool: Pool,
    private readonly lanes: Lanes,
    @Inject(LOGGER) private readonly logger: Logger,
  ) {
    const groupCommit = (write: WriteOutcomes): GroupCommit<Outcome, boolean> =>
      new GroupCommit(
        (outcomes) => this.write(outcomes, write),
        () => false,
        {
          ...GROUP,
          bytesOf: (outcome: Outcome) => outcome.attempt?.responseBody.length ?? 0,
        },
      );
    this.commits = groupCommit(writeOutcomes);
    this.commitsInLine = groupCommit((into, outcomes) =>
      writeOrderedOutcomes(into, outcomes, (webhook) => {
        this.lanes.askForMore(webhook);
      }),
    );
  }

  /** Resolves after the commit: true when written, false when the delivery was another's by then. Never rejects. */
  async record(outcome: Outcome): Promise<boolean> {
    try {
      return await (movesLine(outcome) ? this.commitsInLine : this.commits).add(outcome);
    } catch (error) {
      // Refused by the database for itself, not for its company: its row stays ours until the reconciler releases it.
      this.logger.error({ delivery: outcome.work.id, error: String(error) }, 'an outcome cannot be recorded');
      return false;
    }
  }

  private async write(outcomes: Outcome[], write: WriteOutcomes): Promise<boolean[]> {
    for (;;) {
      try {
        const written = await write(this.pool, outcomes);
        if (this.failing) this.logger.info('outcomes are recorded again');
        this.failing = false;
        return outcomes.map((outcome) => written.has(outcome.work.id));
      } catch (error) {
        if (!isWorthRepeating(error)) throw error;
        if (!this.failing)
          this.logger.error(
            { error: String(error), outcomes: outcomes.length },
            'outcomes cannot be recorded; trying on',
          );
        this.failing = true;
        await delay(RETRY_MS);
      }
    }
  }
}
