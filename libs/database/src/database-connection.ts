import { setTimeout as delay } from 'node:timers/promises';
import { Inject, Injectable, type OnApplicationBootstrap, type OnApplicationShutdown } from '@nestjs/common';
import { DataSource } from 'typeorm';
import type { Logger } from '#observability/logger';
import { LOGGER } from '#observability/observability.module';
import { newestMigration } from './data-source';

const RETRY_MS = 500;
const REMIND_MS = 30_000;

/**
 * Waits in the background until the database answers and is migrated, so that an app starts in any order
 * with it and says in `/readyz` what it is waiting for.
 */
@Injectable()
export class DatabaseConnection implements OnApplicationBootstrap, OnApplicationShutdown {
  private readonly stopping = new AbortController();
  private markReady!: () => void;
  private readonly becameReady = new Promise<void>((resolve) => {
    this.markReady = resolve;
  });
  private connecting: Promise<void> = Promise.resolve();
  /** What is being waited for; null once the database has been ready. */
  private waitingFor: string | null = 'the database';

  constructor(
    @Inject(DataSource) private readonly dataSource: DataSource,
    @Inject(LOGGER) private readonly logger: Logger,
  ) {}

  onApplicationBootstrap(): void {
    this.connecting = this.connect();
  }

  async onApplicationShutdown(): Promise<void> {
    this.stopping.abort();
    await this.connecting;
    if (this.dataSource.isInitialized) await this.dataSource.destroy();
  }

  /** Resolves when the database first answered with the newest schema; never rejects, not even at the stop. */
  untilReady(): Promise<void> {
    return this.becameReady;
  }

  /** Null when the database answers now, else what is wrong, in words fit for `/readyz`. */
  async problem(): Promise<string | null> {
    if (this.waitingFor !== null) return `waiting for ${this.waitingFor}`;
    try {
      await this.dataSource.query('SELECT 1');
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
      if (!this.dataSource.isInitialized) await this.dataSource.initialize();
      const migrated: { ready: boolean }[] = await this.dataSource.query('SELECT schema_has_migration($1) AS ready', [
        newestMigration(),
      ]);
      return migrated[0]?.ready === true ? null : 'migrations (npm run migrate)';
    } catch (error) {
      this.logger.debug({ error: String(error) }, 'database not ready');
      const code = (error as { code?: unknown }).code;
      // Undefined function, missing role, missing database: the server is there, our schema is not.
      return code === '42883' || code === '22023' || code === '3D000' ? 'migrations (npm run migrate)' : 'the database';
    }
  }
}
