import { Injectable, type ArgumentMetadata, type PipeTransform, type Type } from '@nestjs/common';
import { plainToInstance } from 'class-transformer';
import { getMetadataStorage, validate, type ValidationError } from 'class-validator';
import { invalidRequest, type ErrorDetail } from '#kernel/app-error';
import { FREE_JSON } from './body-fields';

const NOT_A_DTO = new Set<unknown>([undefined, String, Number, Boolean, Object, Array, Buffer]);
/** class-transformer passes these by in silence or breaks; here they are unknown fields like any other. */
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
    const { free, fields } = takeFreeJson(metatype as Type<object>, given);
    const refused = [...unsafeKeys(fields, ''), ...(type === 'query' ? repeatedKeys(given) : [])];
    if (refused.length > 0) throw invalidRequest(refused);
    const dto: object = Object.assign(plainToInstance(metatype as Type<object>, fields), free);
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

/** What is given for the {@link FreeJson} fields of a DTO, and the rest. */
function takeFreeJson(metatype: Type<object>, given: object): { free: object; fields: object } {
  const rules = getMetadataStorage().getTargetValidationMetadatas(metatype, '', false, false);
  const names = new Set(rules.filter((rule) => rule.name === FREE_JSON).map((rule) => rule.propertyName));
  if (names.size === 0) return { free: {}, fields: given };
  const entries = Object.entries(given);
  return {
    free: Object.fromEntries(entries.filter(([key]) => names.has(key))),
    fields: Object.fromEntries(entries.filter(([key]) => !names.has(key))),
  };
}

function unsafeKeys(given: object, path: string): ErrorDetail[] {
  const keys = UNSAFE_KEYS.filter((key) => Object.hasOwn(given, key));
  const own = keys.map((key) => ({ field: path + key, message: 'is not a known field' }));
  const nested = Object.entries(given).filter(([key, value]) => !keys.includes(key) && isObject(value));
  return [...own, ...nested.flatMap(([key, value]) => unsafeKeys(value as object, `${path}${key}.`))];
}

function isObject(value: unknown): boolean {
  return typeof value === 'object' && value !== null;
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
