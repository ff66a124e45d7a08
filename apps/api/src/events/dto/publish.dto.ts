import { ApiProperty, ApiPropertyOptional } from '@nestjs/swagger';
import { formatId, uuidTimeMs } from '#kernel/ids';
import { formatInstant } from '#kernel/instants';
import type { NewEvent } from '#accept/new-event';
import { ErrorResponseDetail } from '../../http/error-response';

const EXAMPLE_DATA = { build_id: 'build_123', project_id: 'proj_123', status: 'success', duration: 120 };

/** A publish request as documented; it is read by `readPublishRequest`, which keeps the bytes of `data`. */
export class PublishEventDto {
  @ApiProperty({ example: 'build.completed', description: 'The event type; GET /api/event-types lists them.' })
  event!: string;

  @ApiProperty({
    type: 'object',
    additionalProperties: true,
    example: EXAMPLE_DATA,
    description: 'Delivered byte for byte as it stands here.',
  })
  data!: object;

  @ApiPropertyOptional({ example: 'proj_123', maxLength: 255, description: 'The project it belongs to.' })
  project_id?: string;

  @ApiPropertyOptional({ example: '2024-01-01T12:02:00Z', description: 'When it happened; by default now.' })
  timestamp?: string;

  @ApiPropertyOptional({
    example: 'event_123',
    pattern: '^[A-Za-z0-9_:-]{1,255}$',
    description: "The publisher's own id; publishing it again changes nothing.",
  })
  event_id?: string;

  @ApiPropertyOptional({
    example: 'build_123',
    maxLength: 255,
    description: 'Deliveries to a webhook with the same key keep their order.',
  })
  ordering_key?: string;

  @ApiPropertyOptional({
    example: '2024-01-02T12:00:00Z',
    description: 'Not before this instant; at most 30 days ahead.',
  })
  deliver_at?: string;

  @ApiPropertyOptional({ enum: ['high', 'normal', 'low'], default: 'normal' })
  priority?: string;

  @ApiPropertyOptional({
    example: '1',
    description: 'The version of the event type whose schema `data` satisfies; by default the newest.',
  })
  version?: string;
}

export class PublishBatchDto {
  @ApiProperty({ type: [PublishEventDto], minItems: 1, maxItems: 1000 })
  events!: PublishEventDto[];
}

export class PublishedEventResponse {
  @ApiProperty({ example: 'event_01k9zq3v7m6w2t4r8x5n1c0b9d' })
  event_id!: string;

  @ApiProperty({ example: 'build.completed' })
  event!: string;

  @ApiProperty({ example: 'accepted', enum: ['accepted'] })
  status!: 'accepted';

  @ApiProperty({ example: '2024-01-01T12:02:00Z' })
  created_at!: string;

  @ApiProperty({
    example: false,
    description: 'True when it was published before under the same key; nothing was done again.',
  })
  duplicate!: boolean;

  @ApiPropertyOptional({
    type: [ErrorResponseDetail],
    description:
      'Where `data` does not satisfy the schema of its type; only where it does not and the tenant wants it accepted.',
    example: [{ field: 'data.build_id', message: 'is required' }],
  })
  warnings?: ErrorResponseDetail[];

  /** @param eventId UUID under which it was accepted, perhaps earlier. */
  static from(
    event: NewEvent,
    eventId: string,
    clientEventId: string | null,
    duplicate: boolean,
    warnings: ErrorResponseDetail[],
  ): PublishedEventResponse {
    return {
      event_id: clientEventId ?? formatId('event', eventId),
      event: event.type,
      status: 'accepted',
      created_at: formatInstant(uuidTimeMs(eventId)),
      duplicate,
      ...(warnings.length > 0 && { warnings }),
    };
  }
}

class RejectedEventError {
  @ApiProperty({ example: 400 })
  statusCode!: number;

  @ApiProperty({ example: 'invalid_request' })
  code!: string;

  @ApiProperty({ example: 'event: build.done is not a known event type' })
  message!: string;

  @ApiProperty({
    type: 'array',
    items: { type: 'object', properties: { field: { type: 'string' }, message: { type: 'string' } } },
  })
  details!: { field: string; message: string }[];
}

export class PublishedItemResponse {
  @ApiProperty({ enum: ['accepted', 'rejected'] })
  status!: 'accepted' | 'rejected';

  @ApiPropertyOptional({ example: 'event_01k9zq3v7m6w2t4r8x5n1c0b9d' })
  event_id?: string;

  @ApiPropertyOptional({ example: 'build.completed' })
  event?: string;

  @ApiPropertyOptional({ example: '2024-01-01T12:02:00Z' })
  created_at?: string;

  @ApiPropertyOptional({ example: false })
  duplicate?: boolean;

  @ApiPropertyOptional({ type: [ErrorResponseDetail] })
  warnings?: ErrorResponseDetail[];

  @ApiPropertyOptional({ type: RejectedEventError })
  error?: RejectedEventError;
}

export class PublishBatchResponse {
  @ApiProperty({ type: [PublishedItemResponse], description: 'In the order of the request.' })
  events!: PublishedItemResponse[];

  @ApiProperty({ example: 2 })
  accepted!: number;

  @ApiProperty({ example: 0 })
  rejected!: number;
}
