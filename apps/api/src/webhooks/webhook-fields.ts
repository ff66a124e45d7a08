import { applyDecorators } from '@nestjs/common';
import { Transform } from 'class-transformer';
import { ApiPropertyOptional } from '@nestjs/swagger';
import { ArrayMaxSize, ArrayMinSize, IsArray, IsIn, IsInt, IsNumber, Max, Min, ValidateBy } from 'class-validator';
import { headerProblem } from '#webhook-rules/custom-headers';
import { isValidEventPattern, isValidEventType } from '#webhook-rules/event-matching';
import { isUsableSecret, SIGNATURE_TYPES } from '#webhook-rules/signature';
import { FreeJson, IsText, MayBeNull } from '../http/body-fields';

const MAX_EVENTS = 100;
const MIN_SECRET_LENGTH = 6;
const MAX_SECRET_LENGTH = 256;
const MIN_TIMEOUT_SECONDS = 1;
const MAX_TIMEOUT_SECONDS = 60;

/** Event types and patterns to subscribe to; what is given twice counts once. */
export function IsEventList(): PropertyDecorator {
  return applyDecorators(
    Transform(({ value }: { value: unknown }) => (Array.isArray(value) ? [...new Set<unknown>(value)] : value)),
    IsArray({ message: 'must be a list of event types' }),
    ArrayMinSize(1, { message: 'must name at least one event type' }),
    ArrayMaxSize(MAX_EVENTS, { message: `must name at most ${MAX_EVENTS} event types` }),
    ValidateBy(
      {
        name: 'isEventList',
        validator: { validate: (item) => typeof item === 'string' && isValidEventPattern(item) },
      },
      { each: true, message: 'must hold event types such as build.completed, build.* or *' },
    ),
  );
}

/** A secret that receivers' libraries can verify with. */
export function IsWebhookSecret(): PropertyDecorator {
  return applyDecorators(
    ValidateBy(
      {
        name: 'isUsableSecret',
        validator: { validate: (value) => typeof value === 'string' && isUsableSecret(value) },
      },
      { message: 'must be any text, or whsec_ followed by base64' },
    ),
    IsText(MIN_SECRET_LENGTH, MAX_SECRET_LENGTH),
  );
}

/** Which signatures `webhook-signature` holds; what is given twice counts once. */
export function IsSignatureTypes(): PropertyDecorator {
  const message = `must be a list of one or more of ${SIGNATURE_TYPES.join(', ')}`;
  return applyDecorators(
    Transform(({ value }: { value: unknown }) => (Array.isArray(value) ? [...new Set<unknown>(value)].sort() : value)),
    IsArray({ message }),
    ArrayMinSize(1, { message }),
    IsIn(SIGNATURE_TYPES, { each: true, message }),
  );
}

/** Seconds that an attempt may take, to the millisecond. */
export function IsTimeout(): PropertyDecorator {
  const message = `must be a number of seconds from ${MIN_TIMEOUT_SECONDS} to ${MAX_TIMEOUT_SECONDS}`;
  return applyDecorators(
    IsNumber({}, { message }),
    // Not IsNumber's maxDecimalPlaces, which throws at numbers such as 5e-324.
    ValidateBy({ name: 'isWholeMs', validator: { validate: isWholeMs } }, { message }),
    Min(MIN_TIMEOUT_SECONDS, { message }),
    Max(MAX_TIMEOUT_SECONDS, { message }),
  );
}

/** A limit of the webhook's own, from 1 on; null for none. */
export function SendingLimit(max: number, description: string, example: number): PropertyDecorator {
  const message = `must be a whole number from 1 to ${max}, or null for no limit`;
  return applyDecorators(
    ApiPropertyOptional({
      type: 'integer',
      nullable: true,
      minimum: 1,
      maximum: max,
      default: null,
      description,
      example,
    }),
    MayBeNull(),
    IsInt({ message }),
    Min(1, { message }),
    Max(max, { message }),
  );
}

/** Whether seconds are whole milliseconds, as far as a float can tell. */
function isWholeMs(seconds: unknown): boolean {
  if (typeof seconds !== 'number') return false;
  const ms = seconds * 1_000;
  return Math.abs(ms - Math.round(ms)) < 1e-6;
}

/** Versions by event type. */
export function IsVersionMap(): PropertyDecorator {
  return applyDecorators(
    FreeJson(),
    ValidateBy(
      { name: 'isVersionMap', validator: { validate: isVersionMap } },
      {
        message: `must be an object of at most ${MAX_EVENTS} event types and their versions, such as {"invoice.paid": "1"}`,
      },
    ),
  );
}

function isVersionMap(value: unknown): boolean {
  if (typeof value !== 'object' || value === null || Array.isArray(value)) return false;
  const entries = Object.entries(value);
  return (
    entries.length <= MAX_EVENTS &&
    entries.every(([type, version]) => isValidEventType(type) && typeof version === 'string')
  );
}

/** Custom headers by name. */
export function IsHeaderMap(): PropertyDecorator {
  return applyDecorators(
    FreeJson(),
    ValidateBy({
      name: 'isHeaderMap',
      validator: {
        validate: (value) => headerProblem(value) === null,
        defaultMessage: (given) => headerProblem(given?.value) ?? '',
      },
    }),
  );
}
