import { applyDecorators } from '@nestjs/common';
import { Transform } from 'class-transformer';
import { IsBoolean, IsIn, IsInt, Matches, Max, Min } from 'class-validator';
import { ApiPropertyOptional } from '@nestjs/swagger';
import { IsText, MayBeAbsent } from './body-fields';
import { IsInstant } from './instant-field';

const WHOLE_NUMBER = /^-?\d{1,15}$/;

/** A whole number of a query, bounds included; a value set on the DTO's property is its default. */
export function QueryInteger(min: number, max: number, description: string, defaultValue?: number): PropertyDecorator {
  const message = `must be a whole number from ${min} to ${max}`;
  return applyDecorators(
    ApiPropertyOptional({
      type: 'integer',
      minimum: min,
      maximum: max,
      description,
      ...(defaultValue !== undefined && { default: defaultValue }),
    }),
    Transform(({ value }: { value: unknown }) =>
      typeof value === 'string' && WHOLE_NUMBER.test(value) ? Number(value) : value,
    ),
    MayBeAbsent(),
    IsInt({ message }),
    Min(min, { message }),
    Max(max, { message }),
  );
}

/** `true` or `false` of a query. */
export function QueryBoolean(description: string): PropertyDecorator {
  return applyDecorators(
    ApiPropertyOptional({ type: 'boolean', description }),
    Transform(({ value }: { value: unknown }) => (value === 'true' ? true : value === 'false' ? false : value)),
    MayBeAbsent(),
    IsBoolean({ message: 'must be true or false' }),
  );
}

/** One of a few words of a query. */
export function QueryOneOf(allowed: readonly string[], description: string, defaultValue?: string): PropertyDecorator {
  return applyDecorators(
    ApiPropertyOptional({
      enum: allowed,
      description,
      ...(defaultValue !== undefined && { default: defaultValue }),
    }),
    MayBeAbsent(),
    IsIn(allowed, { message: `must be one of ${allowed.join(', ')}` }),
  );
}

/** Text of a query, at least one character. */
export function QueryText(maxLength: number, description: string): PropertyDecorator {
  return applyDecorators(ApiPropertyOptional({ type: 'string', description }), MayBeAbsent(), IsText(1, maxLength));
}

/** One event type to filter by. */
export function QueryEventType(description: string): PropertyDecorator {
  const message = 'must be one exact event type; patterns are for subscriptions';
  return applyDecorators(QueryText(128, description), Matches(/^[^*]*$/, { message }));
}

/**
 * An instant of a query as a Date: ISO 8601, a date alone (UTC) or with time and zone.
 * @param wholeDay whether a date alone stands for the end of that day, as for the end of a half-open range.
 */
export function QueryInstant(description: string, wholeDay = false): PropertyDecorator {
  return applyDecorators(
    ApiPropertyOptional({ type: 'string', description, example: '2024-01-01T12:00:00Z' }),
    MayBeAbsent(),
    IsInstant(wholeDay),
  );
}
