import { applyDecorators } from '@nestjs/common';
import { ApiProperty, ApiPropertyOptional } from '@nestjs/swagger';
import { ArrayMaxSize, ArrayMinSize, IsArray, IsBoolean, IsIn, IsInt, Max, Min, ValidateBy } from 'class-validator';
import { invalidRequest } from '#kernel/app-error';
import { isValidEventType } from '#webhook-rules/event-matching';
import { DELIVERY_STATUSES, type DeliveryStatus } from '../../delivery-history/delivery-status';
import { IsNested, MayBeAbsent } from '../../http/body-fields';
import { IsInstant } from '../../http/instant-field';

const MAX_EVENT_TYPES = 100;
const MAX_RATE = 1_000;
const DEFAULT_RATE = 100;
const RATE_MESSAGE = `must be a whole number from 1 to ${MAX_RATE}`;

function IsEventTypeList(): PropertyDecorator {
  return applyDecorators(
    IsArray({ message: 'must be a list of event types' }),
    ArrayMinSize(1, { message: 'must name at least one event type' }),
    ArrayMaxSize(MAX_EVENT_TYPES, { message: `must name at most ${MAX_EVENT_TYPES} event types` }),
    ValidateBy(
      { name: 'isEventType', validator: { validate: (item) => typeof item === 'string' && isValidEventType(item) } },
      { each: true, message: 'must hold event types such as build.completed' },
    ),
  );
}

/** Which deliveries of the webhook are meant; tests never are. */
export class RedeliveryFilterDto {
  @ApiPropertyOptional({ enum: DELIVERY_STATUSES, default: 'failed', example: 'failed' })
  @MayBeAbsent()
  @IsIn(DELIVERY_STATUSES, { message: `must be one of ${DELIVERY_STATUSES.join(', ')}` })
  status: DeliveryStatus = 'failed';

  @ApiPropertyOptional({
    type: [String],
    minItems: 1,
    maxItems: MAX_EVENT_TYPES,
    description: 'Only those of these event types',
    example: ['build.completed', 'build.failed'],
  })
  @MayBeAbsent()
  @IsEventTypeList()
  event_types?: string[];

  @ApiPropertyOptional({
    type: String,
    description: 'Only those made at or after this instant',
    example: '2024-01-01T08:00:00Z',
  })
  @MayBeAbsent()
  @IsInstant()
  start_date?: Date;

  @ApiPropertyOptional({
    type: String,
    description: 'Only those made before this instant; a date alone includes its day',
    example: '2024-01-01T12:00:00Z',
  })
  @MayBeAbsent()
  @IsInstant(true)
  end_date?: Date;
}

export class RedeliverManyDto {
  @ApiProperty({ type: () => RedeliveryFilterDto, description: 'Required, so that an empty body sends nothing' })
  @IsNested(() => RedeliveryFilterDto)
  filter!: RedeliveryFilterDto;

  @ApiPropertyOptional({ default: false, description: 'Whether to count only' })
  @MayBeAbsent()
  @IsBoolean({ message: 'must be true or false' })
  dry_run: boolean = false;

  @ApiPropertyOptional({
    type: 'integer',
    minimum: 1,
    maximum: MAX_RATE,
    default: DEFAULT_RATE,
    description: 'How many deliveries are made per second at most',
    example: DEFAULT_RATE,
  })
  @MayBeAbsent()
  @IsInt({ message: RATE_MESSAGE })
  @Min(1, { message: RATE_MESSAGE })
  @Max(MAX_RATE, { message: RATE_MESSAGE })
  rate_per_second: number = DEFAULT_RATE;
}

/** @throws AppError 400 for a range that ends before it begins. */
export function checkRange({ filter: { start_date: start, end_date: end } }: RedeliverManyDto): void {
  if (start === undefined || end === undefined || start <= end) return;
  throw invalidRequest([{ field: 'filter.end_date', message: 'must not be before start_date' }]);
}
