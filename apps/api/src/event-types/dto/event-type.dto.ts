import { applyDecorators } from '@nestjs/common';
import { ApiProperty, ApiPropertyOptional, OmitType, PartialType } from '@nestjs/swagger';
import { IsObject, ValidateBy } from 'class-validator';
import { isValidEventType, MAX_EVENT_TYPE_LENGTH } from '#webhook-rules/event-matching';
import { FreeJson, IsText, MayBeAbsent, MayBeNull } from '../../http/body-fields';
import { EXAMPLE_DATA, EXAMPLE_SCHEMA } from './event-type-examples';

const MAX_DESCRIPTION_LENGTH = 2_000;

function IsEventType(): PropertyDecorator {
  return ValidateBy(
    { name: 'isEventType', validator: { validate: (name) => typeof name === 'string' && isValidEventType(name) } },
    {
      message: `must be dot-separated words of letters, digits, _ and -, such as invoice.paid, of at most ${MAX_EVENT_TYPE_LENGTH} characters`,
    },
  );
}

function IsJsonObject(): PropertyDecorator {
  return applyDecorators(FreeJson(), IsObject({ message: 'must be an object or null' }));
}

/** An event type of the tenant's own. */
export class CreateEventTypeDto {
  @ApiProperty({
    description: 'None of the built-in ones, and not beginning with webhook., delivery. or test.',
    maxLength: MAX_EVENT_TYPE_LENGTH,
    example: 'invoice.paid',
  })
  @IsEventType()
  name!: string;

  @ApiPropertyOptional({ maxLength: MAX_DESCRIPTION_LENGTH, default: '', example: 'An invoice was paid in full.' })
  @MayBeAbsent()
  @IsText(0, MAX_DESCRIPTION_LENGTH)
  description?: string;

  @ApiPropertyOptional({
    type: 'object',
    additionalProperties: true,
    nullable: true,
    description: 'JSON Schema (draft 2020-12) of `data`, at most 64 KiB; without one, any data is accepted',
    example: EXAMPLE_SCHEMA,
  })
  @MayBeNull()
  @IsJsonObject()
  schema?: Record<string, unknown> | null;

  @ApiPropertyOptional({
    type: 'object',
    additionalProperties: true,
    nullable: true,
    description: 'An example of `data`, which satisfies the schema',
    example: EXAMPLE_DATA,
  })
  @MayBeNull()
  @IsJsonObject()
  example?: Record<string, unknown> | null;
}

/** What is to change; fields that are not given stay, null takes schema or example away. */
export class UpdateEventTypeDto extends PartialType(OmitType(CreateEventTypeDto, ['name']), {
  skipNullProperties: false,
}) {}
