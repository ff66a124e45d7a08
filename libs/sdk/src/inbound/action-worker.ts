import { randomUUID } from 'node:crypto';
import type { EmbeddedPorts } from './action-ports';
import type { EndpointStore } from './endpoint-store';
import { runAction } from './run-action';
import { tidy } from './storage/requests.queries';
import { claimRuns, recordRun, renewRuns, type RunOutcome, type RunRow } from './storage/runs.queries';
import type { SqlDatabase } from './storage/sql-database';

/** What a process has begun is taken over when it has not been heard of for so long: three times the renewal. */
const LEASE_MS = 15_000;
const RENEW_MS = 5_000;
const POLL_MS = 1_000;
const TIDY_MS = 60_000;
/** How long a run waits that could not be tried for a reason of ours. */
const OUR_FAULT_WAIT_MS = 5_000;

export interface WorkerParts {
  readonly database: SqlDatabase;
  readonly endpoints: EndpointStore;
  readonly ports: EmbeddedPorts;
  readonly concurrency: number;
  warn(details: object, message: string): void;
}

/**
 * Runs the actions of accepted requests. What waits stands in the storage with its due time, so a process that is
 * started takes up what an earlier one left; its timers do not keep the process alive, its runs do.
 */
export class ActionWorker {
  private readonly owner = randomUUID();
  private readonly held = new Map<string, Promise<void>>();
  private readonly interrupting = new AbortController();
  private readonly timers: NodeJS.Timeout[];
  private round: Promise<void> | null = null;
  private isAskedAgain = false;
  private isStopping = false;

  constructor(private readonly parts: WorkerParts) {
    this.timers = [
      this.every(POLL_MS, () => {
        this.kick();
      }),
      this.every(RENEW_MS, () => this.renew()),
      this.every(TIDY_MS, () => tidy(this.parts.database.query, Date.now())),
    ];
    this.kick();
  }

  /** Looks for due runs now. */
  kick(): void {
    if (this.isStopping) return;
    this.isAskedAgain = true;
    this.round ??= this.rounds().finally(() => {
      this.round = null;
    });
  }

  /** Lets runs under way finish for up to `graceMs`, then interrupts them; what is not finished waits for the next. */
  async stop(graceMs: number): Promise<void> {
    this.isStopping = true;
    for (const timer of this.timers) clearInterval(timer);
    await this.round;
    const deadline = setTimeout(() => {
      this.interrupting.abort();
    }, graceMs);
    await Promise.all(this.held.values());
    clearTimeout(deadline);
  }

  private async rounds(): Promise<void> {
    while (this.isAskedAgain && !this.isStopping) {
      this.isAskedAgain = false;
      const limit = this.parts.concurrency - this.held.size;
      if (limit <= 0) return; // the end of a run asks again
      try {
        const nowMs = Date.now();
        const { query, skipLocked } = this.parts.database;
        const claim = { owner: this.owner, nowMs, untilMs: nowMs + LEASE_MS, limit };
        const runs = await claimRuns(query, skipLocked, claim);
        for (const run of runs) this.begin(run);
      } catch (error) {
        this.parts.warn({ error: String(error) }, 'webhook actions cannot be read; the next look comes in a second');
        return;
      }
    }
  }

  private begin(run: RunRow): void {
    const done = this.attempt(run).finally(() => {
      this.held.delete(run.id);
      this.kick();
    });
    this.held.set(run.id, done);
  }

  /** Never rejects: what could not be recorded is taken up again when its lease ends. */
  private async attempt(run: RunRow): Promise<void> {
    const { database, endpoints, ports } = this.parts;
    let outcome: RunOutcome;
    try {
      outcome = await runAction({ query: database.query, endpoints, ports }, run, this.interrupting.signal);
    } catch (error) {
      this.parts.warn({ run: run.id, error: String(error) }, 'a webhook action could not be tried');
      const dueAtMs = Date.now() + OUR_FAULT_WAIT_MS;
      outcome = {
        status: 'waiting',
        attempts: run.attempts,
        dueAtMs,
        result: run.result,
        error: 'It could not be tried',
      };
    }
    if (outcome.status === 'failed')
      this.parts.warn({ run: run.id, error: outcome.error }, 'a webhook action has failed');
    try {
      await database.transaction((query) => recordRun(query, run, outcome, Date.now()));
    } catch (error) {
      this.parts.warn({ run: run.id, error: String(error) }, 'the end of a webhook action could not be recorded');
    }
    const waitMs = outcome.dueAtMs - Date.now();
    if (outcome.status === 'waiting' && waitMs < POLL_MS) this.after(waitMs);
  }

  /** More exactly than the poll. */
  private after(waitMs: number): void {
    setTimeout(() => {
      this.kick();
    }, waitMs).unref();
  }

  private async renew(): Promise<void> {
    if (this.held.size > 0) await renewRuns(this.parts.database.query, this.owner, Date.now() + LEASE_MS);
  }

  private every(ms: number, work: () => Promise<void> | void): NodeJS.Timeout {
    const timer = setInterval(() => {
      Promise.resolve(work()).catch((error: unknown) => {
        this.parts.warn({ error: String(error) }, 'the storage of webhooks does not answer');
      });
    }, ms);
    return timer.unref();
  }
}
