import { applyDecorators, type Type as Class } from '@nestjs/common';
import { Type } from 'class-transformer';
import {
  IsObject,
  IsString,
  Matches,
  MaxLength,
  MinLength,
  ValidateBy,
  ValidateIf,
  ValidateNested,
} from 'class-validator';
import { STORABLE_TEXT } from '#kernel/storable-text';

/** A field that may be left out; unlike class-validator's IsOptional, null is no way of leaving it out. */
export function MayBeAbsent(): PropertyDecorator {
  return ValidateIf((_object, value) => value !== undefined);
}

/** A field that may be left out or be null. */
export function MayBeNull(): PropertyDecorator {
  return ValidateIf((_object, value) => value !== undefined && value !== null);
}

/** Text of a length within bounds (in UTF-16 units, both included) that the database can hold. */
export function IsText(minLength: number, maxLength: number): PropertyDecorator {
  const message = `must be text of ${minLength} to ${maxLength} characters`;
  return applyDecorators(
    IsString({ message }),
    MinLength(minLength, { message }),
    MaxLength(maxLength, { message }),
    Matches(STORABLE_TEXT, {
      message: ({ value }: { value: unknown }) =>
        String(value).includes('\0') ? 'must not contain the character U+0000' : 'must be well-formed Unicode',
    }),
  );
}

/** Name of the rule that marks {@link FreeJson}. */
export const FREE_JSON = 'freeJson';

/** A value with members of any name, kept as it was parsed: class-transformer stumbles over one called "constructor". */
export function FreeJson(): PropertyDecorator {
  return ValidateBy({ name: FREE_JSON, validator: { validate: () => true } });
}

/** An object that is validated as a DTO of its own. */
export function IsNested(dto: () => Class): PropertyDecorator {
  return applyDecorators(Type(dto), IsObject({ message: 'must be an object' }), ValidateNested());
}
