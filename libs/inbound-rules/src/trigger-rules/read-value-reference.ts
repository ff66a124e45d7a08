import type { ErrorDetail } from '#kernel/app-error';
import { isJsonObject } from '#event-schemas/json-schema';
import { refuseUnknown } from '../read-settings';
import { VALUE_SOURCES, type JsonParameter, type ValueReference } from './request-value';

const MAX_NAME_LENGTH = 4_096;
const MAX_JSON_PARAMETERS = 50;
const REQUEST_NAMES = ['method', 'remote-addr'];
const JSON_SOURCES = ['payload', 'header', 'url', 'query'];

/**
 * Reads `{ "source": …, "name": … }`; null, and a problem, when it is wrong.
 * @param furtherMembers that the caller reads itself.
 */
export function readValueReference(
  given: unknown,
  field: string,
  problems: ErrorDetail[],
  furtherMembers: readonly string[] = [],
): ValueReference | null {
  const refuse = (at: string, message: string): null => {
    problems.push({ field: at, message });
    return null;
  };
  if (!isJsonObject(given)) return refuse(field, 'must be an object with source and name');
  refuseUnknown(given, ['source', 'name', ...furtherMembers], field, problems);
  const { source, name = '' } = given;
  if (source === 'template') {
    return refuse(`${field}.source`, 'must not be template: Go templates are not evaluated here');
  }
  if (!isSource(source)) return refuse(`${field}.source`, `must be one of ${VALUE_SOURCES.join(', ')}`);
  if (typeof name !== 'string' || name.length > MAX_NAME_LENGTH) {
    return refuse(`${field}.name`, `must be a text of at most ${MAX_NAME_LENGTH} characters`);
  }
  if (source === 'request' && !REQUEST_NAMES.includes(name.toLowerCase())) {
    return refuse(`${field}.name`, `must be one of ${REQUEST_NAMES.join(', ')} for the source request`);
  }
  if (JSON_SOURCES.includes(source) && name === '') return refuse(`${field}.name`, 'is required');
  return { source, name };
}

/** Reads which values hold JSON as text (adnanh/webhook's `parse-parameters-as-json`). */
export function readJsonParameterList(given: unknown, field: string, problems: ErrorDetail[]): JsonParameter[] {
  if (given === undefined || given === null) return [];
  if (!Array.isArray(given) || given.length > MAX_JSON_PARAMETERS) {
    problems.push({ field, message: `must be a list of at most ${MAX_JSON_PARAMETERS} values` });
    return [];
  }
  return given.flatMap((item: unknown, index) => {
    const reference = readValueReference(item, `${field}[${index}]`, problems);
    if (reference === null || isJsonParameter(reference)) return reference ?? [];
    problems.push({ field: `${field}[${index}].source`, message: `must be one of ${JSON_SOURCES.join(', ')}` });
    return [];
  });
}

function isJsonParameter(reference: ValueReference): reference is JsonParameter {
  return JSON_SOURCES.includes(reference.source);
}

function isSource(given: unknown): given is ValueReference['source'] {
  return (VALUE_SOURCES as readonly unknown[]).includes(given);
}
