import { applyDecorators } from '@nestjs/common';
import { Transform } from 'class-transformer';
import { IsDate } from 'class-validator';

const DATE = /^\d{4}-\d{2}-\d{2}$/;
const INSTANT = /^\d{4}-\d{2}-\d{2}T\d{2}:\d{2}(:\d{2}(\.\d{1,9})?)?(Z|[+-]\d{2}:\d{2})$/;
const DAY_MS = 86_400_000;

/**
 * An instant, as a Date on the DTO: ISO 8601, a date alone (UTC) or with time and zone.
 * @param wholeDay whether a date alone stands for the end of that day, as at the end of a half-open range.
 */
export function IsInstant(wholeDay = false): PropertyDecorator {
  return applyDecorators(
    Transform(({ value }: { value: unknown }) => (typeof value === 'string' ? parseInstant(value, wholeDay) : value)),
    IsDate({ message: 'must be an ISO 8601 date (2024-01-01) or instant with zone (2024-01-01T12:00:00Z)' }),
  );
}

/** The instant a text stands for, or the text itself when it stands for none. */
function parseInstant(text: string, wholeDay: boolean): Date | string {
  const isDate = DATE.test(text);
  if (!isDate && !INSTANT.test(text)) return text;
  // The engine takes 2024-02-30 for the first of March.
  const day = new Date(`${text.slice(0, 10)}T00:00:00Z`);
  if (Number.isNaN(day.getTime()) || !day.toISOString().startsWith(text.slice(0, 10))) return text;
  const instant = isDate ? day : new Date(text);
  if (Number.isNaN(instant.getTime())) return text;
  return isDate && wholeDay ? new Date(instant.getTime() + DAY_MS) : instant;
}
