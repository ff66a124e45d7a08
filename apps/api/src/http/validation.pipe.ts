import { Injectable, type ArgumentMetadata, type PipeTransform, type Type } from '@nestjs/common';
import { plainToInstance } from 'class-transformer';
import { getMetadataStorage, validate, type ValidationError } from 'class-validator';
import { invalidRequest, type ErrorDetail } from '#kernel/app-error';

const NOT_A_DTO = new Set<unknown>([undefined, String, Number, Boolean, Object, Array, Buffer]);
/** class-transformer passes these by in silence; here they are unknown fields like any other. */
const UNSAFE_KEYS = ['__proto__', 'constructor', 'prototype'];

/**
 * Turns bodies and queries into their DTO classes and validates them with class-validator. Unknown fields are
 * refused; nothing is converted by itself (see `query-fields.ts` for queries).
 */
@Injectable()
export class RequestValidationPipe implements PipeTransform {
  /** @throws AppError 400 whose details name every wrong field and what is allowed there. */
  async transform(value: unknown, { metatype, type }: ArgumentMetadata): Promise<unknown> {
    if (NOT_A_DTO.has(metatype) || type === 'custom') return value;
    const given = value ?? {};
    if (typeof given !== 'object' || Array.isArray(given)) {
      throw invalidRequest([{ field: 'body', message: 'must be a JSON object' }]);
    }
    const refused = [...unsafeKeys(given), ...(type === 'query' ? repeatedKeys(given) : [])];
    if (refused.length > 0) throw invalidRequest(refused);
    const dto: object = plainToInstance(metatype as Type<object>, given);
    const errors = await validate(dto, {
      whitelist: true,
      forbidNonWhitelisted: true,
      forbidUnknownValues: true,
      stopAtFirstError: true,
      validationError: { target: true, value: false },
    });
    if (errors.length > 0) throw invalidRequest(errors.flatMap((error) => detailsOf(error, '')));
    return dto;
  }
}

function unsafeKeys(given: object): ErrorDetail[] {
  const keys = UNSAFE_KEYS.filter((key) => Object.hasOwn(given, key));
  return keys.map((field) => ({ field, message: 'is not a known field' }));
}

function repeatedKeys(given: object): ErrorDetail[] {
  const entries = Object.entries(given).filter(([, value]) => Array.isArray(value));
  return entries.map(([field]) => ({ field, message: 'must be given once' }));
}

function detailsOf(error: ValidationError, path: string): ErrorDetail[] {
  const isIndex = /^\d+$/.test(error.property) && path !== '';
  const field = isIndex ? `${path}[${error.property}]` : path === '' ? error.property : `${path}.${error.property}`;
  const own = Object.entries(error.constraints ?? {}).map(([rule, message]) => ({
    field,
    message: rule === 'whitelistValidation' ? unknownField(error) : withoutName(message, error.property),
  }));
  return [...own, ...(error.children ?? []).flatMap((child) => detailsOf(child, field))];
}

function unknownField(error: ValidationError): string {
  const target = error.target?.constructor;
  if (target === undefined) return 'is not a known field';
  const rules = getMetadataStorage().getTargetValidationMetadatas(target, '', false, false);
  const known = [...new Set(rules.map((rule) => rule.propertyName))].sort();
  return known.length === 0 ? 'is not a known field' : `is not a known field; known are ${known.join(', ')}`;
}

/** class-validator's messages begin with the property, which the detail names already. */
function withoutName(message: string, property: string): string {
  return message.startsWith(`${property} `) ? message.slice(property.length + 1) : message;
}
