import { Inject, Injectable } from '@nestjs/common';
import type { Pool } from 'pg';
import { isWorthRepeating } from '#database/database-errors';
import { BATCH_POOL } from '#database/database.module';
import { hourOfUuid } from '#kernel/hours';
import type { Logger } from '#observability/logger';
import { LOGGER } from '#observability/observability.module';
import { Lanes } from '../deliver/lanes';
import type { DeliveryWork } from '../deliver/delivery-work';
import { DispatcherIdentity } from '../ownership/dispatcher-identity';
import { postponeFanOuts, readPendingEvents, writeFanOut, type PlannedDelivery } from './fan-out.queries';
import { FanOutPlanner } from './fan-out-planner';

/** Deliveries made by one statement; a larger batch is done in several, the last of which takes it off the list. */
const MAX_PER_STATEMENT = 1_000;
const PUT_OFF_SECONDS = 30;

/** The third step of an event's way: from accepted events to one delivery for each webhook that wants them. */
@Injectable()
export class FanOut {
  constructor(
    @Inject(BATCH_POOL) private readonly pool: Pool,
    private readonly planner: FanOutPlanner,
    private readonly lanes: Lanes,
    private readonly identity: DispatcherIdentity,
    @Inject(LOGGER) private readonly logger: Logger,
  ) {}

  /**
   * Fans batches out; those done before or taken by another dispatcher are passed over. One that fails for a
   * reason of its own is put off, so that it holds up no other.
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
    const { dueFanOutIds, events } = await readPendingEvents(this.pool, fanOutIds);
    if (dueFanOutIds.length === 0) return;
    const { planned, works, exclusive } = await this.planner.plan(events, owner);
    if (planned.length <= MAX_PER_STATEMENT) {
      await this.write(owner, dueFanOutIds, planned, works);
    } else {
      // Too much for one statement: batch by batch, and a batch in itself too large in one piece.
      for (const fanOutId of dueFanOutIds) {
        const own = planned.filter((delivery) => delivery.fanOutId === fanOutId);
        await this.write(owner, [fanOutId], own, works);
      }
    }
    for (const webhook of exclusive.values()) this.lanes.askForMore(webhook);
  }

  private async write(
    owner: string,
    fanOutIds: string[],
    planned: PlannedDelivery[],
    works: Map<string, DeliveryWork>,
  ): Promise<void> {
    try {
      const held = await writeFanOut(this.pool, owner, fanOutIds, planned, hourOfUuid);
      this.lanes.push(planned.flatMap((delivery) => (held.has(delivery.id) ? (works.get(delivery.id) ?? []) : [])));
    } catch (error) {
      // Whether the statement committed is unknown: what it made may be ours and in no lane.
      this.identity.suspectOrphans();
      throw error;
    }
  }
}
