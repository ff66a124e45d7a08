import { Inject, Injectable } from '@nestjs/common';
import type { Pool } from 'pg';
import { isWorthRepeating } from '#database/database-errors';
import { BATCH_POOL } from '#database/database.module';
import { hourOfUuid } from '#kernel/hours';
import type { Logger } from '#observability/logger';
import { LOGGER } from '#observability/observability.module';
import { Lanes } from '../deliver/lanes';
import { DispatcherIdentity } from '../ownership/dispatcher-identity';
import { postponeFanOuts, readPendingBatches, writeFanOut } from './fan-out.queries';
import { FanOutPlanner, type FanOutChunk } from './fan-out-planner';
import { FanOutTurns } from './fan-out-turns';

const PUT_OFF_SECONDS = 30;
/** Chunks that are made before a fan-out counts as large and goes on by turns, while the next job begins. */
const CHUNKS_AT_ONCE = 4;
/** Large fan-outs under way here, each with the payloads of one commit in memory; more keep their jobs waiting. */
const MAX_LARGE = 16;

/** A fan-out on its way: what is left to plan, and the batch that was cut at the end of the chunk before. */
interface FanOutRun {
  owner: string;
  chunks: AsyncGenerator<FanOutChunk, undefined>;
  continued: string | null;
}

/** The third step of an event's way: from accepted events to one delivery for each webhook that wants them. */
@Injectable()
export class FanOut {
  private readonly turns = new FanOutTurns();
  private stopping = false;

  constructor(
    @Inject(BATCH_POOL) private readonly pool: Pool,
    private readonly planner: FanOutPlanner,
    private readonly lanes: Lanes,
    private readonly identity: DispatcherIdentity,
    @Inject(LOGGER) private readonly logger: Logger,
  ) {}

  /**
   * Fans batches out; those done before or taken by another dispatcher are passed over. Resolves earlier for a large
   * one, which then takes its turns. One that fails for a reason of its own is put off, so that it holds up no other.
   * @throws what the database throws while it is away.
   */
  async run(fanOutIds: string[]): Promise<void> {
    if (!this.identity.maySend()) return;
    try {
      await this.fanOut(fanOutIds);
    } catch (error) {
      if (isWorthRepeating(error)) throw error;
      if (fanOutIds.length === 1) await this.putOff(fanOutIds, error);
      else for (const fanOutId of fanOutIds) await this.run([fanOutId]);
    }
  }

  /** Lets another dispatcher go on with what is large and not finished. */
  async stop(): Promise<void> {
    this.stopping = true;
    await this.turns.untilIdle();
  }

  private async putOff(fanOutIds: string[], error: unknown): Promise<void> {
    this.logger.error(
      { fanOutIds, error: String(error) },
      'a batch of events cannot be fanned out; trying again in 30 s',
    );
    await postponeFanOuts(this.pool, fanOutIds, PUT_OFF_SECONDS);
  }

  private async fanOut(fanOutIds: string[]): Promise<void> {
    const owner = this.identity.id;
    // Only what was due when its events were read: a batch that falls due in between is another round's.
    const batches = await readPendingBatches(this.pool, fanOutIds);
    if (batches.length === 0) return;
    const run: FanOutRun = { owner, chunks: this.planner.plan(batches, owner), continued: null };
    for (let made = 1; ; made += 1) {
      const unfinished = await this.writeNext(run);
      if (unfinished === null) return;
      if (made < CHUNKS_AT_ONCE || this.turns.length >= MAX_LARGE) continue;
      this.turns.add({ tenantId: unfinished.tenantId, step: () => this.takeTurn(run) });
      return;
    }
  }

  /** Makes one chunk of a large fan-out; answers whether there is more to be made here. */
  private async takeTurn(run: FanOutRun): Promise<boolean> {
    try {
      if (!this.stopping && this.identity.maySend() && this.identity.id === run.owner) {
        return (await this.writeNext(run)) !== null;
      }
      if (run.continued !== null) await postponeFanOuts(this.pool, [run.continued], 0);
    } catch (error) {
      // It falls due again in some seconds, for whoever finds it, and is begun anew.
      this.logger.warn({ fanOut: run.continued, error: String(error) }, 'a large fan-out broke off');
    }
    return false;
  }

  /** @returns what the next chunk goes on with; null at the end. */
  private async writeNext(run: FanOutRun): Promise<FanOutChunk['unfinished']> {
    const { value: chunk } = await run.chunks.next();
    if (chunk === undefined) return null;
    await this.write(run, chunk);
    run.continued = chunk.unfinished?.fanOutId ?? null;
    for (const webhook of chunk.exclusive.values()) this.lanes.askForMore(webhook);
    return chunk.unfinished;
  }

  private async write({ owner, continued }: FanOutRun, chunk: FanOutChunk): Promise<void> {
    const { planned, works, finished } = chunk;
    const unfinished = chunk.unfinished?.fanOutId ?? null;
    try {
      const held = await writeFanOut(this.pool, owner, { planned, finished, continued, unfinished }, hourOfUuid);
      this.lanes.push(planned.flatMap((delivery) => (held.has(delivery.id) ? (works.get(delivery.id) ?? []) : [])));
    } catch (error) {
      // Whether the statement committed is unknown: what it made may be ours and in no lane.
      this.identity.suspectOrphans();
      throw error;
    }
  }
}
