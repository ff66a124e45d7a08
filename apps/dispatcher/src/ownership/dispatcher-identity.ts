import { EventEmitter } from 'node:events';
import { hostname } from 'node:os';
import { setTimeout as delay } from 'node:timers/promises';
import { Inject, Injectable } from '@nestjs/common';
import type { Pool } from 'pg';
import { SERVICE_POOL } from '#database/database.module';
import { newUuid } from '#kernel/ids';
import type { Logger } from '#observability/logger';
import { LOGGER } from '#observability/observability.module';
import { ownProcess } from './process-identity';

const HEARTBEAT_MS = 2_000;
/** A dispatcher that could not renew its row for so long begins no attempts: others will soon take its work. */
const STOP_SENDING_MS = 6_000;
/** A row not renewed for so long belongs to a dead dispatcher; well above {@link STOP_SENDING_MS}. */
export const DEAD_AFTER_MS = 10_000;

/**
 * Who this dispatcher is: one row with a heartbeat by the database's clock. It holds deliveries only while it renews
 * the row. A dispatcher that was declared dead continues under a new id, without its old work.
 */
@Injectable()
export class DispatcherIdentity {
  /** `orphansSuspected`: the database may show deliveries as ours that no lane holds. */
  readonly events = new EventEmitter<{ orphansSuspected: [] }>();
  private currentId = newUuid(Date.now());
  /** Monotonic ms of the last renewal; null before the first. */
  private renewedAt: number | null = null;
  private renewingSince: number | null = null;
  private readonly stopping = new AbortController();
  private running: Promise<void> = Promise.resolve();

  constructor(
    @Inject(SERVICE_POOL) private readonly pool: Pool,
    @Inject(LOGGER) private readonly logger: Logger,
  ) {}

  get id(): string {
    return this.currentId;
  }

  /** Whether the row was renewed recently enough to begin attempts. */
  maySend(): boolean {
    return this.renewedAt !== null && performance.now() - this.renewedAt < STOP_SENDING_MS;
  }

  /**
   * Whether this dispatcher has renewed its own row for long enough that silence of another means its
   * death, and not an outage of the database that silenced all alike.
   */
  mayJudgeOthers(): boolean {
    return this.maySend() && this.renewingSince !== null && performance.now() - this.renewingSince > DEAD_AFTER_MS;
  }

  /** To be called when it is unknown whether a statement that takes deliveries has committed. */
  suspectOrphans(): void {
    this.events.emit('orphansSuspected');
  }

  /** Registers and goes on renewing; `lost` is called when the row is gone, before a new one is made. */
  start(lost: () => void): void {
    this.running = this.renewForEver(lost);
  }

  /** Takes the row away once everything held has been handed back. */
  async stop(): Promise<void> {
    this.stopping.abort();
    await this.running;
    await this.pool.query('DELETE FROM dispatchers WHERE id = $1', [this.currentId]).catch(() => undefined);
  }

  private async renewForEver(lost: () => void): Promise<void> {
    while (!this.stopping.signal.aborted) {
      try {
        await this.renew(lost);
      } catch (error) {
        if (this.renewingSince !== null) this.logger.warn({ err: error }, 'cannot renew the heartbeat; retrying');
        this.renewingSince = null;
      }
      await delay(this.renewedAt === null ? HEARTBEAT_MS / 8 : HEARTBEAT_MS, undefined, {
        signal: this.stopping.signal,
      }).catch(() => undefined);
    }
  }

  private async renew(lost: () => void): Promise<void> {
    const sentAt = performance.now();
    if (this.renewedAt !== null) {
      const renewed = await this.pool.query({
        name: 'heartbeat',
        text: 'UPDATE dispatchers SET heartbeat_at = now() WHERE id = $1',
        values: [this.currentId],
      });
      if (renewed.rowCount === 1) {
        this.beat(sentAt);
        return;
      }
      this.logger.error(
        { dispatcher: this.currentId },
        'declared dead while alive; continuing under a new id, without the old work',
      );
      this.renewedAt = null;
      this.renewingSince = null;
      this.currentId = newUuid(Date.now());
      lost();
    }
    const own = ownProcess();
    await this.pool.query(
      'INSERT INTO dispatchers (id, host, pid, process_namespace, process_start_ticks) VALUES ($1, $2, $3, $4, $5)',
      [this.currentId, hostname(), process.pid, own?.namespace, own?.startTicks],
    );
    this.beat(sentAt);
  }

  /** Counted from before the statement went out, since its result may have taken long. */
  private beat(sentAt: number): void {
    this.renewedAt = sentAt;
    this.renewingSince ??= sentAt;
  }
}
