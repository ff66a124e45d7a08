import { setTimeout as delay } from 'node:timers/promises';
import { Inject, Injectable } from '@nestjs/common';
import type { Pool } from 'pg';
import { SERVICE_POOL } from '#database/database.module';
import { isWorthRepeating } from '#database/database-errors';
import { GroupCommit } from '#kernel/group-commit';
import type { Logger } from '#observability/logger';
import { LOGGER } from '#observability/observability.module';
import { writeRunOutcomes, type RunOutcome } from './record-runs.queries';

const GROUP = {
  ...{ maxItems: 200, maxBytes: 4 * 1024 * 1024, maxConcurrent: 2, maxWaiting: Number.MAX_SAFE_INTEGER },
  spacing: { perDuration: 3, maxMs: 10 },
};
const RETRY_MS = 250;

/** Commits outcomes of runs, many at once; while the database is away they wait here, and their places with them. */
@Injectable()
export class RunRecorder {
  private readonly commits: GroupCommit<RunOutcome, boolean>;
  private failing = false;

  constructor(
    @Inject(SERVICE_POOL) private readonly pool: Pool,
    @Inject(LOGGER) private readonly logger: Logger,
  ) {
    this.commits = new GroupCommit(
      (outcomes) => this.write(outcomes),
      () => false,
      { ...GROUP, bytesOf: (outcome: RunOutcome) => outcome.result?.length ?? 0 },
    );
  }

  /** Resolves after the commit: true when written, false when the run was another's by then. Never rejects. */
  async record(outcome: RunOutcome): Promise<boolean> {
    try {
      return await this.commits.add(outcome);
    } catch (error) {
      // Refused by the database for itself, not for its company: its row stays ours until it is found to be an orphan.
      this.logger.error({ run: outcome.work.runId, error: String(error) }, 'the outcome of a run cannot be recorded');
      return false;
    }
  }

  private async write(outcomes: RunOutcome[]): Promise<boolean[]> {
    for (;;) {
      try {
        const written = await writeRunOutcomes(this.pool, outcomes);
        this.failing = false;
        return outcomes.map((outcome) => written.has(outcome.work.runId));
      } catch (error) {
        if (!isWorthRepeating(error)) throw error;
        if (!this.failing) {
          const more = { error: String(error), outcomes: outcomes.length };
          this.logger.error(more, 'outcomes of runs cannot be recorded; trying on');
        }
        this.failing = true;
        await delay(RETRY_MS);
      }
    }
  }
}
