import { setTimeout as delay } from 'node:timers/promises';
import type { Client } from 'pg';
import { roleConfig, SurvivingClient } from '#database/pools';

/** One process at a time, over all dispatchers; the database gives the lock back when the session ends, however it ends. */
const RETENTION_LOCK = 7_206_154_885;
/**
 * Longer than any statement of the apps may take: nobody waits behind these locks, since they are of tables that
 * statements no longer see.
 */
const LOCK_TIMEOUT_MS = 40_000;
const STATEMENT_TIMEOUT_MS = 600_000;
const MAX_PAUSE_MS = 1_000;

/** A connection as `webhooks_retention`, which owns the partitions and may delete rows of every table. */
export class RetentionSession {
  constructor(
    private readonly client: Client,
    readonly signal: AbortSignal,
  ) {}

  /** Rows of a statement, or what it changed. */
  async query<R extends object>(text: string, values: unknown[] = []): Promise<{ rows: R[]; rowCount: number | null }> {
    return this.client.query<R & Record<string, unknown>>(text, values);
  }

  /** Runs statements in one transaction that gives up on a lock after so long. */
  async transaction<T>(lockTimeoutMs: number, work: () => Promise<T>): Promise<T> {
    await this.client.query(`BEGIN; SET LOCAL lock_timeout = ${lockTimeoutMs}`);
    try {
      const result = await work();
      await this.client.query('COMMIT');
      return result;
    } catch (error) {
      await this.client.query('ROLLBACK').catch(() => undefined);
      throw error;
    }
  }

  /**
   * Does one batch of work, and then rests for as long as it took, so that work of any size takes half of one
   * connection at most.
   * @throws Error once the dispatcher stops.
   */
  async batch<T>(work: () => Promise<T>): Promise<T> {
    this.signal.throwIfAborted();
    const startedAt = performance.now();
    const result = await work();
    const pauseMs = Math.min(MAX_PAUSE_MS, performance.now() - startedAt);
    await delay(pauseMs, undefined, { signal: this.signal });
    return result;
  }
}

/** Runs work in a session, unless another process is at it; answers null then. */
export async function inRetentionSession<T>(
  databaseUrl: string,
  signal: AbortSignal,
  work: (session: RetentionSession) => Promise<T>,
): Promise<T | null> {
  const client = new SurvivingClient(roleConfig(databaseUrl, 'webhooks_retention', 'webhooks-retention'));
  // A command that waits for others must not keep the dispatcher from stopping.
  const hangUp = (): void => {
    (client as unknown as { connection: { stream: { destroy(): void } } }).connection.stream.destroy();
  };
  signal.addEventListener('abort', hangUp, { once: true });
  try {
    await client.connect();
    await client.query(`SET lock_timeout = ${LOCK_TIMEOUT_MS}; SET statement_timeout = ${STATEMENT_TIMEOUT_MS}`);
    const lock = await client.query<{ mine: boolean }>('SELECT pg_try_advisory_lock($1) AS mine', [RETENTION_LOCK]);
    return lock.rows[0]?.mine === true ? await work(new RetentionSession(client, signal)) : null;
  } finally {
    signal.removeEventListener('abort', hangUp);
    await client.end().catch(() => undefined);
  }
}
