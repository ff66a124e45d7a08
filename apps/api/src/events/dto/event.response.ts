import { ApiProperty, OmitType } from '@nestjs/swagger';
import { formatId, uuidTimeMs } from '#kernel/ids';
import { formatInstant, formatInstantOrNull } from '#kernel/instants';
import { PRIORITIES } from '#accept/new-event';
import { Pagination } from '../../http/page';
import { RawJson } from '../../http/raw-json';
import type { EventDeliveryRow, EventRow } from '../events.queries';

export class EventResponse {
  @ApiProperty({ example: 'event_123' })
  event_id!: string;

  @ApiProperty({ example: 'build.completed' })
  event!: string;

  @ApiProperty({ type: String, nullable: true, example: 'proj_123' })
  project_id!: string | null;

  @ApiProperty({ example: '2024-01-01T12:02:00Z', description: 'When it happened.' })
  timestamp!: string;

  @ApiProperty({ example: '2024-01-01T12:02:00Z', description: 'When it was accepted.' })
  created_at!: string;

  @ApiProperty({ example: '1', description: "Version of the payload's schema." })
  version!: string;

  @ApiProperty({ enum: Object.keys(PRIORITIES) })
  priority!: string;

  @ApiProperty({ type: String, nullable: true })
  ordering_key!: string | null;

  @ApiProperty({ type: String, nullable: true })
  deliver_at!: string | null;

  @ApiProperty({ enum: ['accepted', 'scheduled', 'cancelled'] })
  status!: string;

  static from(row: EventRow, nowMs: number): EventResponse {
    return {
      event_id: row.client_event_id ?? formatId('event', row.id),
      event: row.type,
      project_id: row.project_id,
      timestamp: formatInstant(row.occurred_at.getTime()),
      created_at: formatInstant(uuidTimeMs(row.id)),
      version: row.version,
      priority: Object.entries(PRIORITIES).find(([, value]) => value === row.priority)?.[0] ?? 'normal',
      ordering_key: row.ordering_key,
      deliver_at: formatInstantOrNull(row.deliver_at),
      status:
        row.cancelled_at !== null
          ? 'cancelled'
          : row.deliver_at !== null && row.deliver_at.getTime() > nowMs
            ? 'scheduled'
            : 'accepted',
    };
  }
}

export class EventDeliveryResponse {
  @ApiProperty({ example: 'del_789' })
  delivery_id!: string;

  @ApiProperty({ example: 'webhook_456' })
  webhook_id!: string;

  @ApiProperty({ enum: ['success', 'failed', 'pending'] })
  status!: string;

  @ApiProperty({ example: 'delivered' })
  state!: string;

  @ApiProperty({ example: 1 })
  attempts!: number;

  @ApiProperty({ type: Number, nullable: true, example: 200 })
  response_code!: number | null;

  @ApiProperty({ type: String, nullable: true })
  error!: string | null;

  @ApiProperty({ type: String, nullable: true, example: '2024-01-01T12:02:01Z' })
  next_retry!: string | null;

  static from(row: EventDeliveryRow): EventDeliveryResponse {
    return {
      delivery_id: formatId('del', row.id),
      webhook_id: formatId('webhook', row.webhook_id),
      status: row.status,
      state: row.state,
      attempts: row.attempts,
      response_code: row.response_code,
      error: row.error,
      next_retry: row.status === 'pending' ? formatInstantOrNull(row.next_attempt_at) : null,
    };
  }
}

export class EventDetailResponse extends EventResponse {
  @ApiProperty({
    type: 'object',
    additionalProperties: true,
    nullable: true,
    description: 'As it was published; null once its retention is over.',
  })
  data!: RawJson | null;

  @ApiProperty({ type: [EventDeliveryResponse], description: 'At most 1,000.' })
  deliveries!: EventDeliveryResponse[];

  /** @param payloadsMs from when on (Unix ms) payloads are kept; what a pending delivery needs is kept until it is done. */
  static of(
    { event, data, deliveries }: { event: EventRow; data: Buffer | null; deliveries: EventDeliveryRow[] },
    payloadsMs: number,
    nowMs: number,
  ): EventDetailResponse {
    const hasEnded = uuidTimeMs(event.id) < payloadsMs && !deliveries.some(({ status }) => status === 'pending');
    return {
      ...EventResponse.from(event, nowMs),
      data: data === null || hasEnded ? null : new RawJson(data),
      deliveries: deliveries.map((row) => EventDeliveryResponse.from(row)),
    };
  }
}

export class CancelledEventResponse {
  @ApiProperty({ example: 'Event cancelled successfully' })
  message!: string;

  @ApiProperty({ example: 'event_123' })
  event_id!: string;

  @ApiProperty({ example: '2024-01-01T12:00:00Z' })
  cancelled_at!: string;
}

class EventPagination extends OmitType(Pagination, ['offset']) {}

export class EventListResponse {
  @ApiProperty({ type: [EventResponse] })
  events!: EventResponse[];

  @ApiProperty({
    type: String,
    nullable: true,
    description: 'Give it as `cursor` for the next page; null on the last.',
  })
  next_cursor!: string | null;

  @ApiProperty()
  pagination!: EventPagination;
}
