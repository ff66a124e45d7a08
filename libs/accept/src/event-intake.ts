import type { Pool } from 'pg';
import type { Clock } from '#kernel/clock';
import { databaseAway, isDatabaseAway } from '#database/database-errors';
import { withPartitions } from '#database/with-partitions';
import type { Signals } from '#queues/signals';
import { acceptEvents, isOrdered, type AcceptedBatch } from './accept-events';
import { GroupCommit } from '#kernel/group-commit';
import type { Acceptance, NewEvent } from './new-event';

const GROUP = {
  ...{ maxItems: 500, maxBytes: 4 * 1024 * 1024, maxConcurrent: 2, maxWaiting: 20_000 },
  spacing: { perDuration: 1.5, maxMs: 10 },
};

/** The first two steps of an event's way: it is committed, then the dispatchers are told. */
export class EventIntake {
  private readonly commits: GroupCommit<NewEvent, Acceptance>;
  /** Of events with an ordering key: one commit at a time, so that they are committed as they come. */
  private readonly orderedCommits: GroupCommit<NewEvent, Acceptance>;

  /** @param pool of role `webhooks_service`: a group holds events of many tenants. */
  constructor(
    private readonly pool: Pool,
    private readonly signals: Signals,
    private readonly clock: Clock,
  ) {
    const groupCommit = (maxConcurrent: number): GroupCommit<NewEvent, Acceptance> =>
      new GroupCommit((events) => this.commit(events), isDatabaseAway, {
        ...GROUP,
        maxConcurrent,
        bytesOf: (event: NewEvent) => event.data.length,
      });
    this.commits = groupCommit(GROUP.maxConcurrent);
    this.orderedCommits = groupCommit(1);
  }

  /**
   * Resolves once the event is committed; the signal to the dispatchers is sent, not awaited.
   * @throws AppError 503 when the database is away or too much is waiting.
   */
  async accept(event: NewEvent): Promise<Acceptance> {
    try {
      return await (isOrdered(event) ? this.orderedCommits : this.commits).add(event);
    } catch (error) {
      if (isDatabaseAway(error)) throw databaseAway(error);
      throw error;
    }
  }

  private async commit(events: NewEvent[]): Promise<Acceptance[]> {
    const nowMs = this.clock.nowMs();
    const batch = await withPartitions(this.pool, () => acceptEvents(this.pool, events, nowMs));
    this.announce(batch, nowMs);
    return batch.acceptances;
  }

  private announce(batch: AcceptedBatch, nowMs: number): void {
    if (batch.batchIds.length > 0) this.signals.eventsAccepted(batch.batchIds);
    for (const atMs of batch.scheduledAtMs) this.signals.wakeUpAt(atMs, nowMs);
  }
}
