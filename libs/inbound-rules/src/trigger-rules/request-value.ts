import { isJsonObject } from '#event-schemas/json-schema';
import { resolvePath } from '../resolve-path';

/** Where a value of the request may come from (adnanh/webhook, "Referencing request values"). */
export const VALUE_SOURCES = [
  'payload',
  'header',
  'url',
  'query',
  'request',
  'string',
  'raw-request-body',
  'entire-payload',
  'entire-headers',
  'entire-query',
] as const;

export interface ValueReference {
  readonly source: (typeof VALUE_SOURCES)[number];
  readonly name: string;
}

/** A value that holds JSON as text and is read as what it says before the trigger rule looks at it. */
export interface JsonParameter extends ValueReference {
  readonly source: 'payload' | 'header' | 'url' | 'query';
}

/** What references are looked up in. */
export interface RequestValues {
  readonly method: string;
  readonly ip: string;
  readonly body: Buffer;
  /** In forms a name may come several times; as in adnanh/webhook, rules see the first. */
  readonly isForm: boolean;
  /** As parsed; an XML body's attributes are members that begin with a hyphen. */
  readonly payload: unknown;
  /** Names in lower case; values are texts unless they were read as JSON. */
  readonly headers: Readonly<Record<string, unknown>>;
  readonly query: Readonly<Record<string, unknown>>;
}

/** The value as text, or null when the request does not have it. */
export function referencedText(reference: ValueReference, values: RequestValues): string | null {
  switch (reference.source) {
    case 'string':
      return reference.name;
    case 'raw-request-body':
      return values.body.toString('utf8');
    case 'request':
      if (reference.name.toLowerCase() === 'method') return values.method;
      return reference.name.toLowerCase() === 'remote-addr' ? values.ip : null;
    case 'entire-payload':
      return JSON.stringify(rootOf(values.payload));
    case 'entire-headers':
      return JSON.stringify(values.headers);
    case 'entire-query':
      return JSON.stringify(values.query);
    case 'header':
      return textOf(resolvePath(values.headers, reference.name.toLowerCase()));
    case 'url':
    case 'query':
      return textOf(resolvePath(values.query, reference.name));
    case 'payload':
      return textOf(payloadValue(values, reference.name));
  }
}

/** The values with those texts that hold JSON read; one that holds none stays as it is and is named in `unread`. */
export function readJsonParameters(
  values: RequestValues,
  parameters: readonly JsonParameter[],
): { values: RequestValues; unread: string[] } {
  const unread: string[] = [];
  let read = values;
  for (const parameter of parameters) {
    const text = jsonTextOf(parameter, read);
    const parsed = text === null ? undefined : parseJson(text);
    if (parsed === undefined) {
      unread.push(`${parameter.source} ${parameter.name}`);
      continue;
    }
    const member = parameter.source === 'url' ? 'query' : parameter.source === 'header' ? 'headers' : parameter.source;
    const name = parameter.source === 'header' ? parameter.name.toLowerCase() : parameter.name;
    read = { ...read, [member]: replaceAt(read[member], name, parsed) };
  }
  return { values: read, unread };
}

/** Of an uploaded file, what is in it. */
function jsonTextOf(parameter: JsonParameter, values: RequestValues): string | null {
  const file = parameter.source === 'payload' && values.isForm ? payloadValue(values, parameter.name) : null;
  return isJsonObject(file) && typeof file['content'] === 'string'
    ? file['content']
    : referencedText(parameter, values);
}

/** A body that is a JSON array is found under `root`, as in adnanh/webhook. */
function rootOf(payload: unknown): unknown {
  return Array.isArray(payload) ? { root: payload } : payload;
}

function payloadValue({ payload, isForm }: RequestValues, name: string): unknown {
  const value = resolvePath(rootOf(payload), name);
  if (isForm && Array.isArray(value)) return value[0];
  if (value !== undefined) return value;
  // adnanh's documentation leaves out the hyphen of XML attributes in its examples.
  const lastDot = name.lastIndexOf('.') + 1;
  return resolvePath(rootOf(payload), `${name.slice(0, lastDot)}-${name.slice(lastDot)}`);
}

/** As Go prints it, since adnanh/webhook's rules compare with that. */
function textOf(value: unknown): string | null {
  if (value === undefined) return null;
  if (value === null) return '<nil>';
  return typeof value === 'string' ? value : JSON.stringify(value);
}

function parseJson(text: string): unknown {
  try {
    return JSON.parse(text) as unknown;
  } catch {
    return undefined;
  }
}

/** A copy of `source` with another value at the path, of which every part is there. */
function replaceAt(source: unknown, path: string, value: unknown): unknown {
  if (isJsonObject(source) && Object.hasOwn(source, path)) return withMember(source, path, value);
  const dot = path.indexOf('.');
  const head = dot === -1 ? path : path.slice(0, dot);
  const next = (old: unknown): unknown => (dot === -1 ? value : replaceAt(old, path.slice(dot + 1), value));
  if (Array.isArray(source)) {
    if (dot !== -1 && head === 'root') return replaceAt(source, path.slice(dot + 1), value);
    return source.map((item: unknown, index) => (String(index) === head ? next(item) : item));
  }
  return isJsonObject(source) && Object.hasOwn(source, head) ? withMember(source, head, next(source[head])) : source;
}

/** Unlike `{ ...object, [name]: value }` in a loop, also right for a member called `__proto__`. */
function withMember(object: Record<string, unknown>, name: string, value: unknown): Record<string, unknown> {
  return Object.fromEntries(Object.entries(object).map(([key, old]) => [key, key === name ? value : old]));
}
