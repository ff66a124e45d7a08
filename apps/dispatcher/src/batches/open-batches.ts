import { setTimeout as delay } from 'node:timers/promises';
import { Inject, Injectable } from '@nestjs/common';
import type { Pool } from 'pg';
import { isWorthRepeating } from '#database/database-errors';
import { SERVICE_POOL } from '#database/database.module';
import type { Logger } from '#observability/logger';
import { LOGGER } from '#observability/observability.module';
import { writeFanOut } from './fan-out.queries';
import { closeBatches, releaseBatches } from './event-batches.queries';
import { DispatcherIdentity } from '../ownership/dispatcher-identity';
import { Periodic } from '../periodic/periodic';
import type { DeliveryWork, OpenBatch } from '../lanes/delivery-work';

const ROUND_MS = 250;
/** A delivery that has not ended by then gets a row, and is shown as in flight. */
const WRITE_ROWS_AFTER_MS = 1_000;
/** Rows written by one statement. */
const MAX_ROWS = 500;

/**
 * The event batches that are open here, and the only place that changes their state.
 *
 * A delivery of an open batch:
 *
 *     unwritten -> recording -> written
 *         |            |
 *         |            +- the database rejects its outcome -> the batch is broken
 *         +- takes longer than a second -> written, as in flight
 *
 * - {@link open} makes its deliveries unwritten.
 * - unwritten -> recording: {@link beginRecording}, before its first outcome is committed.
 * - recording -> written: {@link recorded}; {@link rejected} breaks the batch.
 * - unwritten -> written: a round gives it a row; its outcome waits meanwhile (`writingRows`).
 *
 * A batch:
 *
 *     open -> finished -> off the list
 *       |
 *       +- broken, or the dispatcher stops -> suspect -> released
 *
 * - open -> finished: all its deliveries are written. It leaves `event_batches` with the next outcomes, or soon.
 * - suspect: the database may show it as open here although it is not. Releasing it lets any dispatcher fan it out again.
 */
@Injectable()
export class OpenBatches extends Periodic {
  /** In the order in which they were opened. */
  private readonly batches = new Map<string, OpenBatch>();
  /** Batches whose deliveries all have rows. */
  private finished: string[] = [];
  /** Batches that the database may show as open here and that are not. */
  private readonly suspects = new Set<string>();
  private readonly beingTaken = new Set<string>();
  private releasing: Promise<void> | null = null;

  constructor(
    @Inject(SERVICE_POOL) private readonly pool: Pool,
    private readonly identity: DispatcherIdentity,
    @Inject(LOGGER) logger: Logger,
  ) {
    super('writing the rows of open batches', ROUND_MS, (signal) => this.runRound(signal), logger);
  }

  /** Opens a batch that the database shows as this dispatcher's. */
  open(batchId: string, works: DeliveryWork[]): void {
    const batch: OpenBatch = {
      ...{ batchId, openedAt: performance.now(), unwritten: new Set(works) },
      ...{ recording: 0, writingRows: null, isBroken: false },
    };
    for (const work of works) work.batch = batch;
    this.batches.set(batchId, batch);
    this.suspects.delete(batchId);
  }

  /**
   * Takes batches by a statement, and suspects them where it is unknown whether it has committed. Never while they are
   * being released, or what was taken meanwhile would be, too. @throws what `take` throws.
   */
  async taking<T>(batchIds: string[], take: () => Promise<T>): Promise<T> {
    while (this.releasing !== null) await this.releasing;
    for (const id of batchIds) this.beingTaken.add(id);
    try {
      return await take();
    } catch (error) {
      this.suspect(batchIds);
      throw error;
    } finally {
      for (const id of batchIds) this.beingTaken.delete(id);
    }
  }

  /** Notes batches that a statement that failed may have opened: they are released, unless they are open. */
  suspect(batchIds: string[]): void {
    for (const id of batchIds) if (!this.batches.has(id)) this.suspects.add(id);
  }

  /**
   * Notes that a delivery's outcome is about to be committed; to be called once `writingRows` is over.
   * @returns whether that commit has to make its row too. If so, it must end in {@link recorded} or {@link rejected}.
   */
  beginRecording(work: DeliveryWork): boolean {
    const { batch } = work;
    if (batch?.unwritten.delete(work) !== true) return false;
    batch.recording += 1;
    return true;
  }

  /**
   * Which batches have all their rows with the commit that writes these deliveries' outcomes, and which had them before.
   * To be told {@link recorded} or {@link notRecorded} in the end.
   */
  finishedWith(works: readonly DeliveryWork[]): string[] {
    const finished = this.finished;
    this.finished = [];
    for (const [batch, count] of countByBatch(works))
      if (count === batch.recording && batch.unwritten.size === 0 && !batch.isBroken) finished.push(batch.batchId);
    return finished;
  }

  /** The rows are written, and `finished` are off the list. */
  recorded(works: readonly DeliveryWork[], finished: readonly string[]): void {
    for (const id of finished) this.batches.delete(id);
    for (const work of works) this.leave(work);
  }

  notRecorded(finished: readonly string[]): void {
    for (const id of finished) if (!this.batches.has(id)) this.finished.push(id);
  }

  /** The database rejected an outcome: the batch is fanned out again once its other deliveries have ended. */
  rejected(work: DeliveryWork): void {
    if (work.batch !== null) work.batch.isBroken = true;
    this.leave(work);
  }

  /** This dispatcher was declared dead: what it held belongs to others now. */
  forget(): void {
    this.batches.clear();
    this.suspects.clear();
    this.finished = [];
  }

  /** Deletes finished batches and releases the others; to be called once nothing is in flight. */
  override async stop(): Promise<void> {
    await super.stop();
    for (const id of this.batches.keys()) this.suspects.add(id);
    this.batches.clear();
    await this.runRound(AbortSignal.abort()).catch(() => undefined);
  }

  private leave(work: DeliveryWork): void {
    const { batch } = work;
    if (batch === null) return;
    work.batch = null;
    batch.recording -= 1;
    if (batch.recording === 0 && batch.unwritten.size === 0) this.end(batch, false);
  }

  /** Releases the suspects, for any dispatcher to fan out again. @throws what the database throws. */
  async releaseSuspects(): Promise<void> {
    const suspects = [...this.suspects].filter((id) => !this.beingTaken.has(id));
    if (suspects.length === 0) return;
    const release = releaseBatches(this.pool, this.identity.id, suspects);
    this.releasing = release.catch(() => undefined).finally(() => (this.releasing = null));
    await release;
    for (const id of suspects) this.suspects.delete(id);
  }

  private async runRound(signal: AbortSignal): Promise<void> {
    const { id: owner } = this.identity;
    await this.releaseSuspects();
    if (this.finished.length > 0) {
      const finished = this.finished;
      this.finished = [];
      try {
        await closeBatches(this.pool, owner, finished);
      } catch (error) {
        this.finished.push(...finished);
        throw error;
      }
    }
    for (let due = this.dueForRows(); due.length > 0; due = this.dueForRows()) await this.writeRowsOf(due, signal);
  }

  private dueForRows(): OpenBatch[] {
    const due: OpenBatch[] = [];
    let count = 0;
    for (const batch of this.batches.values()) {
      if (count >= MAX_ROWS || performance.now() - batch.openedAt < WRITE_ROWS_AFTER_MS) break;
      if (batch.unwritten.size === 0) continue;
      due.push(batch);
      count += batch.unwritten.size;
    }
    return due;
  }

  /**
   * Gives rows to deliveries that have none; their outcomes wait meanwhile. Retries while the database is away: whether
   * a failed statement has committed is unknown until it is repeated.
   */
  private async writeRowsOf(batches: OpenBatch[], signal: AbortSignal): Promise<void> {
    let resolve = (): void => undefined;
    const writing = new Promise<void>((done) => (resolve = done));
    for (const batch of batches) batch.writingRows = writing;
    try {
      for (;;) {
        try {
          await this.writeRows(batches);
          return;
        } catch (error) {
          this.identity.suspectOrphans();
          if (!isWorthRepeating(error) || signal.aborted) throw error;
          await delay(ROUND_MS, undefined, { signal }).catch(() => undefined);
        }
      }
    } finally {
      for (const batch of batches) batch.writingRows = null;
      resolve();
    }
  }

  private async writeRows(batches: OpenBatch[]): Promise<void> {
    const planned = batches.flatMap((batch) => [...batch.unwritten].map((work) => toPlanned(work, batch.batchId)));
    const [finished, open] = partition(batches, ({ recording, isBroken }) => recording === 0 && !isBroken);
    await writeFanOut(this.pool, this.identity.id, { planned, finished, open, continued: null, unfinished: null });
    for (const batch of batches) {
      // Also those whose rows existed: an earlier try may have committed without our knowledge.
      for (const work of batch.unwritten) work.batch = null;
      batch.unwritten.clear();
      if (batch.recording === 0) this.end(batch, finished.includes(batch.batchId));
    }
  }

  /** @param isOffTheList whether the database has forgotten the batch already. */
  private end(batch: OpenBatch, isOffTheList: boolean): void {
    if (!this.batches.delete(batch.batchId) || isOffTheList) return;
    if (batch.isBroken) this.suspects.add(batch.batchId);
    else this.finished.push(batch.batchId);
  }
}

function partition(batches: OpenBatch[], isFirst: (batch: OpenBatch) => boolean): [string[], string[]] {
  const [first, second]: [string[], string[]] = [[], []];
  for (const batch of batches) (isFirst(batch) ? first : second).push(batch.batchId);
  return [first, second];
}

function toPlanned(work: DeliveryWork, batchId: string): Parameters<typeof writeFanOut>[2]['planned'][number] {
  const { id, tenantId, webhookId, event } = work;
  return {
    ...{ batchId, id, tenantId, webhookId, eventId: event.id, eventType: event.type, priority: event.priority },
    ...{ state: 'in_flight', keyHash: null },
  };
}

function countByBatch(works: readonly DeliveryWork[]): Map<OpenBatch, number> {
  const counts = new Map<OpenBatch, number>();
  for (const { batch } of works) if (batch !== null) counts.set(batch, (counts.get(batch) ?? 0) + 1);
  return counts;
}
