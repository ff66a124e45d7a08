import { applyDecorators } from '@nestjs/common';
import { Transform } from 'class-transformer';
import { IsBoolean, IsDate, IsIn, IsInt, Max, Min } from 'class-validator';
import { ApiPropertyOptional } from '@nestjs/swagger';
import { IsText, MayBeAbsent } from './body-fields';

const WHOLE_NUMBER = /^-?\d{1,15}$/;
const DATE = /^\d{4}-\d{2}-\d{2}$/;
const INSTANT = /^\d{4}-\d{2}-\d{2}T\d{2}:\d{2}(:\d{2}(\.\d{1,9})?)?(Z|[+-]\d{2}:\d{2})$/;

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

/**
 * An instant of a query as a Date: ISO 8601, a date alone (UTC) or with time and zone.
 * @param wholeDay whether a date alone stands for the end of that day, as for the end of a half-open range.
 */
export function QueryInstant(description: string, wholeDay = false): PropertyDecorator {
  return applyDecorators(
    ApiPropertyOptional({ type: 'string', description, examples: ['2024-01-01', '2024-01-01T12:00:00Z'] }),
    Transform(({ value }: { value: unknown }) => (typeof value === 'string' ? parseInstant(value, wholeDay) : value)),
    MayBeAbsent(),
    IsDate({ message: 'must be an ISO 8601 date (2024-01-01) or instant with zone (2024-01-01T12:00:00Z)' }),
  );
}

/** The instant a text stands for, or the text itself when it stands for none. */
export function parseInstant(text: string, wholeDay: boolean): Date | string {
  const isDate = DATE.test(text);
  if (!isDate && !INSTANT.test(text)) return text;
  const instant = new Date(isDate ? `${text}T00:00:00Z` : text);
  if (Number.isNaN(instant.getTime())) return text;
  // 2024-02-30 is read as the first of March by the engine.
  if (isDate && !instant.toISOString().startsWith(text)) return text;
  return isDate && wholeDay ? new Date(instant.getTime() + 86_400_000) : instant;
}
