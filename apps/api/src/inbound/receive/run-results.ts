import { setTimeout as delay } from 'node:timers/promises';
import { Inject, Injectable, type OnApplicationShutdown } from '@nestjs/common';
import { Pool } from 'pg';
import { SERVICE_POOL } from '#database/database.module';

export type RunStatus = 'waiting' | 'running' | 'succeeded' | 'failed' | 'skipped';

/** How far a run has come. */
export interface RunResult {
  runId: string;
  actionId: string;
  type: string;
  status: RunStatus;
  attempts: number;
  result: unknown;
  error: string | null;
}

interface Wanted {
  runIds: string[];
  untilMs: number;
  resolve: (results: RunResult[] | null) => void;
}

const FIRST_LOOK_MS = 15;
const LOOK_EVERY_MS = 50;
const MAX_WAITING = 500;

/**
 * Lets requests wait for the results of their runs, which dispatchers record: one look at the database in a while, for
 * all that wait.
 */
@Injectable()
export class RunResults implements OnApplicationShutdown {
  private wanted: Wanted[] = [];
  private isLooking = false;
  private isStopping = false;

  constructor(@Inject(SERVICE_POOL) private readonly pool: Pool) {}

  onApplicationShutdown(): void {
    this.isStopping = true;
  }

  /**
   * Results of all these runs once each has ended or failed for the first time; null when that takes longer than it
   * may, or too many wait.
   */
  async until(runIds: string[], maxMs: number): Promise<RunResult[] | null> {
    if (runIds.length === 0) return [];
    if (this.wanted.length >= MAX_WAITING) return null;
    return new Promise((resolve) => {
      this.wanted.push({ runIds, untilMs: performance.now() + maxMs, resolve });
      if (!this.isLooking) void this.look();
    });
  }

  private async look(): Promise<void> {
    this.isLooking = true;
    await delay(FIRST_LOOK_MS);
    while (this.wanted.length > 0) {
      const known = await this.read(this.wanted.flatMap(({ runIds }) => runIds));
      const nowMs = performance.now();
      this.wanted = this.wanted.filter(({ runIds, untilMs, resolve }) => {
        const results = runIds.flatMap((id) => known.get(id) ?? []);
        const isDone = results.length === runIds.length && results.every(isSettled);
        if (!isDone && untilMs > nowMs && !this.isStopping) return true;
        resolve(isDone ? results : null);
        return false;
      });
      if (this.wanted.length > 0) await delay(LOOK_EVERY_MS);
    }
    this.isLooking = false;
  }

  private async read(runIds: string[]): Promise<Map<string, RunResult>> {
    try {
      const { rows } = await this.pool.query<RunRow>({ name: 'inbound-run-results', text: READ, values: [runIds] });
      return new Map(rows.map((row) => [row.id, toRunResult(row)]));
    } catch {
      // The database is away: those who wait go on doing so, for as long as they may.
      return new Map();
    }
  }
}

/** A row of `inbound_action_runs`. */
export interface RunRow {
  id: string;
  action_id: string;
  type: string;
  status: RunStatus;
  attempts: number;
  result: string | null;
  error: string | null;
}

export function toRunResult(row: RunRow): RunResult {
  return {
    runId: row.id,
    actionId: row.action_id,
    type: row.type,
    status: row.status,
    attempts: row.attempts,
    result: row.result === null ? null : (JSON.parse(row.result) as unknown),
    error: row.error,
  };
}

const READ =
  'SELECT id, action_id, type, status, attempts, result, error FROM inbound_action_runs WHERE id = ANY ($1::uuid[])';

/** A run that will be tried again counts as failed: nobody waits for its retries. */
function isSettled({ status, attempts }: RunResult): boolean {
  return (
    status === 'succeeded' || status === 'failed' || status === 'skipped' || (status === 'waiting' && attempts > 0)
  );
}
