import fc, { type Arbitrary } from 'fast-check';
import { DESCRIPTION, type DescribedOperation } from './api-description';

/** A request as it goes over the wire: a path as it stands, and a body as bytes. */
export interface WireRequest {
  path: string;
  contentType: string | null;
  body: string | null;
}

interface Schema {
  $ref?: string;
  type?: string | string[];
  enum?: unknown[];
  allOf?: Schema[];
  anyOf?: Schema[];
  items?: Schema;
  properties?: Record<string, Schema>;
  required?: string[];
  additionalProperties?: boolean | Schema;
  minimum?: number;
  maximum?: number;
  example?: unknown;
}

interface Parameter {
  name: string;
  in: string;
  schema: Schema;
}

const INSTANTS = [
  ...['2024-02-30', '2024-02-29', '0000-01-01', '0001-01-01T00:00:00Z', '9999-12-31T23:59:59.999Z', '9999-12-31'],
  ...['+275760-09-13T00:00:00Z', '-000001-01-01T00:00:00Z', '1969-12-31T23:59:59.999Z', '1970-01-01T00:00:00Z'],
  ...['2024-01-01T12:00:00+14:00', '2024-01-01T12:00:00-23:59', '2024-01-01T24:00:00Z', '2024-01-01T23:59:60Z'],
  ...[
    '2024-01-01 12:00:00Z',
    '2024-01-01T12:00:00',
    '20240101',
    '2024-W01-1',
    'now',
    '1704110400000',
    '2038-01-19T03:14:08Z',
  ],
];
const TEXTS = [
  ...[
    '',
    ' ',
    '\u0000',
    'a\u0000b',
    '\ufeff',
    '\u202e',
    '\ud800',
    '💥'.repeat(50),
    'é',
    'e\u0301',
    'ＡＢＣ',
    '\r\n',
    '\t',
  ],
  ...[
    'null',
    'undefined',
    'NaN',
    'true',
    '-0',
    '1e309',
    '0x10',
    '__proto__',
    'constructor',
    'toString',
    'hasOwnProperty',
  ],
  ...[
    "'; DROP TABLE events; --",
    '%',
    '_',
    '%s%n',
    '${7*7}',
    '../../etc/passwd',
    '<script>',
    '*',
    'build.*',
    '.',
    '..',
  ],
  ...[
    'a'.repeat(256),
    'a'.repeat(3_000),
    'http://[::1',
    'http://127.0.0.1:99999/',
    'https://user:pw@example.com/',
    'javascript:1',
  ],
];
const NUMBERS = [0, -0, -1, 1, 1.5, 101, 2 ** 31, 2 ** 31 - 1, 2 ** 53, -(2 ** 53), 1e21, 1e308, 5e-324, 0.1 + 0.2];
const NAMES = [
  '__proto__',
  'constructor',
  'prototype',
  'toString',
  '$ref',
  '',
  '\u0000',
  'id',
  'tenant_id',
  'a.b',
  '💥',
];
const PATH_PARTS = [
  ...[
    '%',
    '%zz',
    '%00',
    '%c3%28',
    '%2e%2e',
    '%2F',
    '..',
    '.',
    ':',
    '*',
    '%F0%9F%92%A5',
    'a'.repeat(255),
    'a'.repeat(300),
  ],
  ...[
    'webhook_',
    'webhook_zzzzzzzzzzzzzzzzzzzzzzzzzz',
    'del_test_',
    'WEBHOOK_01K9ZQ5V7C2M8X4R6T0W3Y5B7D',
    'null',
    '0',
    '-1',
  ],
  ...['__proto__', 'constructor', 'build.completed', 'test.ping', "'", '%22', '%5C', '%0d%0a', ';', 'a%20b'],
];
const CONTENT_TYPES = [
  ...[
    'application/json; charset=utf-8',
    'application/json; charset=utf-16',
    'APPLICATION/JSON',
    'text/json',
    'text/plain',
  ],
  ...[
    'application/x-www-form-urlencoded',
    'multipart/form-data; boundary=x',
    'application/json, text/plain',
    'x',
    ';',
    '',
  ],
  'application/vnd.api+json',
];
const RAW_BODIES = [
  ...[
    '',
    ' ',
    'null',
    'true',
    '0',
    '"text"',
    '[]',
    '[{}]',
    '{}',
    '{',
    '}',
    '{"a":}',
    '{a:1}',
    "{'a':1}",
    '{"a":1,}',
    'undefined',
  ],
  ...[
    '{"__proto__":{"admin":true}}',
    '{"constructor":{"prototype":{"x":1}}}',
    '{"name":"a","name":"b"}',
    '\ufeff{}',
    '{"a":1}{"b":2}',
  ],
  ...[
    '{"event":"build.completed","event":"build.failed","data":{},"data":{"a":1}}',
    '{"data":{"n":12345678901234567890,"f":1.0}}',
  ],
  ...[
    `${'['.repeat(63)}${']'.repeat(63)}`,
    `${'['.repeat(5_000)}${']'.repeat(5_000)}`,
    `${'{"a":'.repeat(64)}1${'}'.repeat(64)}`,
  ],
  ...[
    String.raw`{"name":"\ud800"}`,
    String.raw`{"name":"\u0000"}`,
    String.raw`{"\u0000":1}`,
    '{"a":1e999}',
    '{"a":-0}',
    '// comment\n{}',
  ],
];

const text: Arbitrary<unknown> = fc.oneof(
  fc.constantFrom(...TEXTS),
  fc.constantFrom(...INSTANTS),
  fc.string({ unit: 'binary', maxLength: 40 }),
  fc.string({ maxLength: 40 }),
);
const anyNumber: Arbitrary<unknown> = fc.oneof(fc.constantFrom(...NUMBERS), fc.integer(), fc.double({ noNaN: true }));
const nonsense: Arbitrary<unknown> = fc.oneof(
  text,
  anyNumber,
  fc.boolean(),
  fc.constant(null),
  fc.array(fc.oneof(text, anyNumber), { maxLength: 5 }),
  fc.dictionary(fc.oneof(fc.constantFrom(...NAMES), fc.string({ maxLength: 10 })), fc.oneof(text, anyNumber), {
    maxKeys: 4,
  }),
  fc.jsonValue({ maxDepth: 3 }),
);

/**
 * Requests to an operation: most of them nearly right, so that they get beyond the first check.
 * @param resources each with an id of every kind, which go together.
 */
export function hostileRequests(
  operation: DescribedOperation,
  resources: Record<string, string>[],
): Arbitrary<WireRequest> {
  const parameters = (operation.operation.parameters ?? []) as Parameter[];
  const query = queryOf(parameters.filter((parameter) => parameter.in === 'query'));
  return fc
    .tuple(pathOf(operation, resources), query, bodyOf(operation), contentType())
    .map(([path, search, body, type]) => ({
      path: path + search,
      body,
      contentType: body === null ? null : type,
    }));
}

/** Its parameters are mostly ids of one resource; the others are ids of another one, or none. */
function pathOf(operation: DescribedOperation, resources: Record<string, string>[]): Arbitrary<string> {
  const values = operation.pathParameters.map((name) =>
    fc.oneof(
      { weight: 10, arbitrary: fc.constant(null) },
      { weight: 1, arbitrary: fc.constantFrom(...resources.map((resource) => resource[name] ?? '')) },
      { weight: 1, arbitrary: fc.constantFrom(...PATH_PARTS) },
    ),
  );
  return fc.tuple(fc.constantFrom(...resources), ...values).map(([resource, ...chosen]) => {
    let next = 0;
    return operation.path.replaceAll(/\{(\w+)\}/g, (_match, name: string) => chosen[next++] ?? resource[name] ?? '');
  });
}

function contentType(): Arbitrary<string | null> {
  return fc.oneof(
    { weight: 12, arbitrary: fc.constant('application/json') },
    { weight: 1, arbitrary: fc.constantFrom(null, ...CONTENT_TYPES) },
  );
}

function queryOf(parameters: Parameter[]): Arbitrary<string> {
  const known = parameters.map(({ name, schema }) =>
    fc.tuple(fc.constant(name), fc.oneof({ weight: 3, arbitrary: valueOf(schema) }, { weight: 2, arbitrary: text })),
  );
  const unknown = fc.tuple(fc.constantFrom('colour', 'limit[]', 'sort[a]', '__proto__', 'offset', '💥'), text);
  const pairs = fc.oneof(...known.map((arbitrary) => ({ weight: 4, arbitrary })), { weight: 1, arbitrary: unknown });
  const encoded = fc
    // Repetitions included.
    .array(pairs, { maxLength: 4 })
    .map((chosen) =>
      chosen
        .map(([name, value]) => `${encode(name)}=${encode(typeof value === 'string' ? value : JSON.stringify(value))}`)
        .join('&'),
    );
  const raw = fc.constantFrom(
    '?',
    '?%',
    '?limit=%zz',
    '?limit=%c3%28',
    '?&&&=',
    '?=1',
    '?limit',
    `?${'a=1&'.repeat(1_500)}`,
  );
  return fc.oneof(
    { weight: 2, arbitrary: fc.constant('') },
    { weight: 8, arbitrary: encoded.map((search) => (search === '' ? '' : `?${search}`)) },
    { weight: 1, arbitrary: raw },
  );
}

function bodyOf(operation: DescribedOperation): Arbitrary<string | null> {
  const { requestBody } = operation.operation;
  const raw = fc.constantFrom(null, ...RAW_BODIES);
  if (requestBody === undefined || '$ref' in requestBody) {
    return fc.oneof({ weight: 4, arbitrary: fc.constant(null) }, { weight: 1, arbitrary: raw });
  }
  const schema = requestBody.content['application/json']?.schema as Schema;
  const made = valueOf(schema).map((value) => JSON.stringify(value));
  // The example with one or two fields otherwise: wrong in one place only.
  const example = operation.body as Record<string, unknown>;
  const keys = fc.constantFrom(...Object.keys(resolve(schema).properties ?? {}), ...NAMES);
  const changed = fc
    .array(fc.tuple(keys, nonsense), { maxLength: 2 })
    .map((changes) => JSON.stringify({ ...example, ...Object.fromEntries(changes) }));
  return fc.oneof(
    { weight: 4, arbitrary: made },
    { weight: 4, arbitrary: changed },
    { weight: 1, arbitrary: nonsense.map((value) => JSON.stringify(value)) },
    { weight: 1, arbitrary: raw },
  );
}

/** A value of a schema, or now and then something else. */
function valueOf(given: Schema, depth = 0): Arbitrary<unknown> {
  const schema = resolve(given);
  return fc.oneof(
    { weight: 9, arbitrary: fittingValueOf(schema, depth) },
    ...(schema.example === undefined ? [] : [{ weight: 6, arbitrary: fc.constant(schema.example) }]),
    { weight: 1, arbitrary: nonsense },
  );
}

function fittingValueOf(schema: Schema, depth: number): Arbitrary<unknown> {
  const part = (schema.allOf ?? schema.anyOf)?.[0];
  if (part !== undefined) return valueOf(part, depth + 1);
  if (schema.enum !== undefined) return fc.constantFrom(...schema.enum);
  switch (Array.isArray(schema.type) ? schema.type[0] : schema.type) {
    case 'boolean':
      return fc.boolean();
    case 'integer':
      return fc.integer({ min: schema.minimum ?? -1_000, max: schema.maximum ?? 1_000 });
    case 'number':
      return fc.double({ min: schema.minimum ?? -1_000, max: schema.maximum ?? 1_000, noNaN: true });
    case 'array':
      return fc.array(valueOf(schema.items ?? {}, depth + 1), { maxLength: 3 });
    case 'object':
      return objectOf(schema, depth);
    default:
      return text;
  }
}

function objectOf(schema: Schema, depth: number): Arbitrary<unknown> {
  if (schema.properties === undefined || depth > 4) {
    const member = typeof schema.additionalProperties === 'object' ? valueOf(schema.additionalProperties, 5) : nonsense;
    return fc.dictionary(fc.oneof(fc.string({ maxLength: 12 }), fc.constantFrom(...NAMES)), member, { maxKeys: 4 });
  }
  const members = Object.entries(schema.properties).map(([name, member]): [string, Arbitrary<unknown>] => [
    name,
    valueOf(member, depth + 1),
  ]);
  return fc.record(Object.fromEntries(members), { requiredKeys: schema.required ?? [] });
}

function resolve(schema: Schema): Schema {
  const name = schema.$ref?.slice(schema.$ref.lastIndexOf('/') + 1);
  return name === undefined ? schema : (DESCRIPTION.components?.schemas?.[name] ?? {});
}

/** Of text that holds half a surrogate pair too. */
function encode(value: string): string {
  return encodeURIComponent(value.toWellFormed());
}
