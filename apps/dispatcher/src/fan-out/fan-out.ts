import { Inject, Injectable } from '@nestjs/common';
import type { Pool } from 'pg';
import { isWorthRepeating } from '#database/database-errors';
import { SERVICE_POOL } from '#database/database.module';
import type { Logger } from '#observability/logger';
import { LOGGER } from '#observability/observability.module';
import { Lanes } from '../lanes/lanes';
import { OpenBatches } from '../batches/open-batches';
import { DispatcherIdentity } from '../ownership/dispatcher-identity';
import { fanOutOrdered } from '../batches/ordered-fan-out.queries';
import { writeFanOut, type FanOutWrite } from '../batches/fan-out.queries';
import { FanOutPlanner, type FanOutChunk } from './fan-out-planner';
import { FanOutTurns } from './fan-out-turns';
import { findNextOfKeys, postponeBatches, takeBatches, type EventBatch } from '../batches/event-batches.queries';

const PUT_OFF_SECONDS = 30;
/** Chunks that are made before a fan-out counts as large and goes on by turns, while the next job begins. */
const CHUNKS_AT_ONCE = 4;
/** Large fan-outs under way here, each with the payloads of one commit in memory; more keep their jobs waiting. */
const MAX_LARGE = 16;

/** Batches of an ordering key that are read at once when those before them are fanned out. */
const NEXT_OF_KEYS = 20;

/** A fan-out on its way. */
interface FanOutRun {
  owner: string;
  tenantId: string;
  /** What is left to plan. */
  chunks: AsyncGenerator<FanOutChunk, undefined>;
  /** The batch that was cut at the end of the chunk before. */
  continued: string | null;
  /** The batches that were opened for it. */
  opened: string[];
  /** The ordering keys whose next batches may have been left to this run, and the batches it has looked at. */
  keyHashes: Buffer[];
  seen: string;
}

/** The third step of an event's way: from accepted events to one delivery for each webhook that wants them. */
@Injectable()
export class FanOut {
  private readonly turns = new FanOutTurns();
  private stopping = false;

  constructor(
    @Inject(SERVICE_POOL) private readonly pool: Pool,
    private readonly planner: FanOutPlanner,
    private readonly lanes: Lanes,
    private readonly identity: DispatcherIdentity,
    private readonly openBatches: OpenBatches,
    @Inject(LOGGER) private readonly logger: Logger,
  ) {}

  /**
   * Fans batches out; those done before or taken by another dispatcher are passed over. Resolves earlier for a large
   * one, which then takes its turns. One that fails for a reason of its own is put off, so that it holds up no other.
   * @throws what the database throws while it is away.
   */
  async run(batchIds: string[]): Promise<void> {
    if (!this.identity.maySend()) return;
    try {
      await this.fanOut(batchIds);
    } catch (error) {
      if (isWorthRepeating(error)) throw error;
      await this.openBatches.releaseSuspects();
      if (batchIds.length === 1) await this.putOff(batchIds, error);
      else for (const batchId of batchIds) await this.run([batchId]);
    }
  }

  /** Lets another dispatcher go on with what is large and not finished. */
  async stop(): Promise<void> {
    this.stopping = true;
    await this.turns.untilIdle();
  }

  private async putOff(batchIds: string[], error: unknown): Promise<void> {
    this.logger.error(
      { batchIds, error: String(error) },
      'a batch of events cannot be fanned out; trying again in 30 s',
    );
    await postponeBatches(this.pool, this.identity.id, batchIds, PUT_OFF_SECONDS);
  }

  private async fanOut(batchIds: string[]): Promise<void> {
    for (let left = batchIds; left.length > 0 && !this.stopping;) {
      const owner = this.identity.id;
      // Only what was due when its events were read: a batch that falls due in between is another round's.
      const { batches, unread } = await this.take(left, owner);
      await this.fanOutAll(batches, owner);
      left = unread;
    }
  }

  private take(batchIds: string[], owner: string): ReturnType<typeof takeBatches> {
    return this.openBatches.taking(batchIds, () => takeBatches(this.pool, owner, batchIds));
  }

  private async fanOutAll(batches: EventBatch[], owner: string): Promise<void> {
    if (batches.length === 0) return;
    const tenantId = batches.find(({ events }) => events.length > 0)?.events[0]?.tenantId ?? '';
    const opened = batches.flatMap(({ batchId, isOpen }) => (isOpen ? [batchId] : []));
    const run: FanOutRun = { ...this.begin(batches, owner), owner, tenantId, opened, continued: null };
    try {
      for (let made = 1; await this.goOn(run); made += 1) {
        if (made < CHUNKS_AT_ONCE || this.turns.length >= MAX_LARGE) continue;
        this.turns.add({ tenantId: run.tenantId, step: () => this.takeTurn(run) });
        return;
      }
    } catch (error) {
      this.openBatches.suspect(opened);
      throw error;
    }
  }

  private begin(batches: EventBatch[], owner: string): Pick<FanOutRun, 'chunks' | 'keyHashes' | 'seen'> {
    const keys = new Map(
      batches.flatMap(({ keyHash }) => (keyHash === null ? [] : [[keyHash.toString('hex'), keyHash]])),
    );
    return {
      chunks: this.planner.plan(batches, owner),
      keyHashes: [...keys.values()],
      seen: batches.map(({ batchId }) => batchId).join(),
    };
  }

  /** Makes one chunk of a large fan-out; answers whether there is more to be made here. */
  private async takeTurn(run: FanOutRun): Promise<boolean> {
    try {
      if (!this.stopping && this.identity.maySend() && this.identity.id === run.owner) return await this.goOn(run);
      if (run.continued !== null) await postponeBatches(this.pool, run.owner, [run.continued], 0);
    } catch (error) {
      // It falls due again in some seconds, for whoever finds it, and is begun anew.
      this.logger.warn({ fanOut: run.continued, error: String(error) }, 'a large fan-out broke off');
    }
    this.openBatches.suspect(run.opened);
    return false;
  }

  /** Makes the next chunk, or finds what is next in line; answers whether there is more. */
  private async goOn(run: FanOutRun): Promise<boolean> {
    const { value: chunk } = await run.chunks.next();
    if (chunk === undefined) return this.goOnWithKeys(run);
    const taken = await this.write(run, chunk);
    for (const webhook of chunk.exclusive.values()) this.lanes.requestMore(webhook);
    if (chunk.unfinished === null) return run.keyHashes.length > 0;
    run.tenantId = chunk.unfinished.tenantId;
    run.continued = chunk.unfinished.batchId;
    return taken.has(run.continued);
  }

  /**
   * A batch that came while the one before it was fanned out was left alone by whoever got its signal. Looked for after
   * the commit: who left it alone did so before.
   */
  private async goOnWithKeys(run: FanOutRun): Promise<boolean> {
    if (run.keyHashes.length === 0 || this.stopping) return false;
    const found = await findNextOfKeys(this.pool, run.keyHashes, NEXT_OF_KEYS);
    const { batches, unread } = await this.take(found, run.owner);
    const next = this.begin(batches, run.owner);
    // Taken by another, or put off: not ours to wait for.
    if (batches.length === 0 || next.seen === run.seen) return false;
    // What was left unread may be of keys that were not read: they are looked for again.
    const keyHashes = unread.length > 0 ? run.keyHashes : next.keyHashes;
    Object.assign(run, next, { continued: null, keyHashes });
    return true;
  }

  private async write(run: FanOutRun, chunk: FanOutChunk): Promise<Set<string>> {
    const held = await this.writeRows(run, chunk);
    // Declared dead since it took them: they are another's.
    if (this.identity.id !== run.owner) return held;
    for (const [batchId, works] of chunk.open) {
      this.openBatches.open(batchId, works);
      this.lanes.push(works);
    }
    return held;
  }

  /** Makes the rows of what does not go out from an open batch. */
  private async writeRows({ owner, continued }: FanOutRun, chunk: FanOutChunk): Promise<Set<string>> {
    const { planned, works, finished } = chunk;
    const open = [...chunk.open.keys()];
    const write: FanOutWrite = { planned, finished, open, continued, unfinished: chunk.unfinished?.batchId ?? null };
    if (planned.length === 0 && finished.length === 0 && chunk.unfinished === null) return new Set();
    try {
      return await this.lanes.acquisitions.track(async () => {
        const held = await (chunk.isOrdered ? fanOutOrdered : writeFanOut)(this.pool, owner, write);
        this.lanes.push(planned.flatMap((delivery) => (held.has(delivery.id) ? (works.get(delivery.id) ?? []) : [])));
        return held;
      });
    } catch (error) {
      // Whether the statement committed is unknown: what it made may be ours and in no lane.
      this.identity.suspectOrphans();
      throw error;
    }
  }
}
