import { setTimeout as delay } from 'node:timers/promises';
import type { OnApplicationBootstrap, OnApplicationShutdown } from '@nestjs/common';
import type { Pool } from 'pg';
import type { Logger } from '#observability/logger';
import { newestMigration } from './migrations';

const RETRY_MS = 500;
const REMIND_MS = 30_000;

/**
 * Waits in the background until the database answers and is migrated, so that an app starts in any order
 * with it and says in `/readyz` what it is waiting for.
 */
export class DatabaseConnection implements OnApplicationBootstrap, OnApplicationShutdown {
  private readonly stopping = new AbortController();
  private markReady!: () => void;
  private readonly becameReady = new Promise<void>((resolve) => {
    this.markReady = resolve;
  });
  private readonly openers: (() => Promise<unknown>)[] = [];
  private connecting: Promise<void> = Promise.resolve();
  /** What is being waited for; null once the database has been ready. */
  private waitingFor: string | null = 'the database';

  constructor(
    private readonly pool: Pool,
    private readonly logger: Logger,
  ) {}

  /** Adds what is to be opened before the database counts as ready; it is tried again until it succeeds. Not after the start. */
  opens(open: () => Promise<unknown>): void {
    this.openers.push(open);
  }

  onApplicationBootstrap(): void {
    this.connecting = this.connect();
  }

  onApplicationShutdown(): Promise<void> {
    return this.stop();
  }

  /** Opens nothing more from now on. */
  async stop(): Promise<void> {
    this.stopping.abort();
    await this.connecting;
  }

  /** Resolves when the database first answered with the newest schema; never rejects, not even at the stop. */
  untilReady(): Promise<void> {
    return this.becameReady;
  }

  /** Null when the database answers now, else what is wrong, in words fit for `/readyz`. */
  async problem(): Promise<string | null> {
    if (this.waitingFor !== null) return `waiting for ${this.waitingFor}`;
    try {
      await this.pool.query('SELECT 1');
      return null;
    } catch {
      return 'the database does not answer';
    }
  }

  private async connect(): Promise<void> {
    let said: string | null = null;
    let saidAt = 0;
    while (!this.stopping.signal.aborted) {
      this.waitingFor = await this.missing();
      if (this.waitingFor === null) {
        this.logger.info('database ready');
        this.markReady();
        return;
      }
      if (this.waitingFor !== said || performance.now() - saidAt > REMIND_MS) {
        said = this.waitingFor;
        saidAt = performance.now();
        this.logger.warn(`waiting for ${said}`);
      }
      await delay(RETRY_MS, undefined, { signal: this.stopping.signal }).catch(() => undefined);
    }
  }

  private async missing(): Promise<string | null> {
    try {
      const { rows } = await this.pool.query<{ ready: boolean }>('SELECT schema_has_migration($1) AS ready', [
        newestMigration(),
      ]);
      if (rows[0]?.ready !== true) return 'migrations (npm run migrate)';
      for (const open of this.openers) await open();
      return null;
    } catch (error) {
      this.logger.debug({ error: String(error) }, 'database not ready');
      const code = (error as { code?: unknown }).code;
      // Undefined function, missing role, missing database: the server is there, our schema is not.
      return code === '42883' || code === '22023' || code === '3D000' ? 'migrations (npm run migrate)' : 'the database';
    }
  }
}
