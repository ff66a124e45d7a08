import { Inject, Injectable } from '@nestjs/common';
import type { Pool } from 'pg';
import { databaseAway, isDatabaseAway } from '#database/database-errors';
import { SERVICE_POOL } from '#database/database.module';
import { conflict, notFound } from '#kernel/app-error';
import { EventsQueries } from './events.queries';

/** Events with a `deliver_at` ahead. */
@Injectable()
export class ScheduledEvents {
  constructor(
    private readonly events: EventsQueries,
    @Inject(SERVICE_POOL) private readonly pool: Pool,
  ) {}

  /**
   * Takes a scheduled event back before it goes out.
   * @returns the instant of the cancellation.
   * @throws AppError 404 when the caller has no such event, 409 when it is on its way or cancelled already.
   */
  async cancel(tenantId: string, publicId: string, projectId: string | null): Promise<Date> {
    const found = await this.events.find(tenantId, publicId, projectId);
    if (found === null) throw notFound('Event');
    const cancelledAt = await this.takeBack(tenantId, found.event.id);
    if (cancelledAt === null) {
      throw conflict('not_scheduled', 'Only an event that is scheduled and has not gone out can be cancelled');
    }
    return cancelledAt;
  }

  /** Whoever takes its `event_batches` row away decides: this cancellation or a fan-out, never both. */
  private async takeBack(tenantId: string, eventId: string): Promise<Date | null> {
    try {
      const answer = await this.pool.query<{ cancelled_at: Date }>(
        `WITH gone AS (
           DELETE FROM event_batches f USING events e
           WHERE e.id = $2 AND e.tenant_id = $1 AND e.deliver_at > now() AND f.id = e.id RETURNING f.id
         )
         UPDATE events e SET cancelled_at = now() FROM gone WHERE e.id = gone.id AND e.id = $2 RETURNING e.cancelled_at`,
        [tenantId, eventId],
      );
      return answer.rows[0]?.cancelled_at ?? null;
    } catch (error) {
      if (isDatabaseAway(error)) throw databaseAway(error);
      throw error;
    }
  }
}
