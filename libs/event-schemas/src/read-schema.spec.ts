import type { ErrorDetail } from '#kernel/app-error';
import { MAX_SCHEMA_VALUES } from './inspect-schema';
import { MAX_SCHEMA_BYTES, readSchema } from './read-schema';

const problemOf = (schema: unknown): ErrorDetail | null => {
  const read = readSchema(schema);
  return 'problem' in read ? read.problem : null;
};
const check = (schema: unknown, data: unknown): ErrorDetail[] => {
  const read = readSchema(schema);
  if ('problem' in read) throw new Error(`${read.problem.field}: ${read.problem.message}`);
  return read.check(data, 'data');
};
const elapsedMs = (work: () => unknown): number => {
  const startedAtMs = performance.now();
  work();
  return performance.now() - startedAtMs;
};
/** Generous for a busy machine; what these tests keep out takes minutes or for ever. */
const BOUNDED_MS = 3_000;

describe('a schema', () => {
  it.each<[unknown, string]>([
    [null, 'schema'],
    [true, 'schema'],
    ['{}', 'schema'],
    [[], 'schema'],
    [{ type: 'strin' }, 'schema.type'],
    [{ properties: { price: { minimum: '3' } } }, 'schema.properties.price.minimum'],
    [{ required: ['a', 1] }, 'schema.required[1]'],
    [{ properties: { 'odd key': { type: 1 } } }, 'schema.properties["odd key"].type'],
    [{ properties: { a: { minlength: 3 } } }, 'schema.properties.a.minlength'],
    [{ properties: { a: { format: 'colour' } } }, 'schema.properties.a.format'],
    [{ properties: { a: { pattern: '(' } } }, 'schema.properties.a.pattern'],
    [{ patternProperties: { '(?=a)': {} } }, 'schema.patternProperties["(?=a)"]'],
    [{ $schema: 'http://json-schema.org/draft-07/schema#' }, 'schema.$schema'],
    [{ $id: 'https://example.com/other' }, 'schema.$id'],
    [{ $async: true }, 'schema.$async'],
    [{ $dynamicRef: '#x' }, 'schema.$dynamicRef'],
    [{ properties: { a: { $ref: 'https://example.com/schema' } } }, 'schema.properties.a.$ref'],
    [{ $ref: 'other.json#/a' }, 'schema.$ref'],
    [{ $ref: '#/$defs/missing' }, 'schema.$ref'],
    [{ $ref: '#/constructor' }, 'schema.$ref'],
    [{ $ref: '#/type', type: 'object' }, 'schema.$ref'],
    [{ items: { uniqueItems: true } }, 'schema.items.uniqueItems'],
    [{ uniqueItems: true, items: { type: ['string', 'object'] } }, 'schema.uniqueItems'],
    [{ uniqueItems: true, items: { enum: [1] } }, 'schema.uniqueItems'],
    [{ if: { type: 'string' } }, 'schema'],
  ])('%j is refused naming where', (schema, field) => {
    expect(problemOf(schema)?.field).toBe(field);
  });

  it.each<unknown>([
    {},
    { $schema: 'https://json-schema.org/draft/2020-12/schema', type: 'object' },
    {
      $defs: { money: { type: 'object' } },
      properties: { price: { $ref: '#/$defs/money' }, tax: { $ref: '#/$defs/money' } },
    },
    { required: ['id'], unevaluatedProperties: false, properties: { id: { type: ['string', 'null'], maxLength: 3 } } },
    { properties: { list: { uniqueItems: true, items: { type: 'string' } } } },
    { patternProperties: { '^x-': { type: 'string' } }, properties: { 'x-a': { maxLength: 3 } } },
    { $defs: { 'a/b~c': { type: 'string' } }, $ref: '#/$defs/a~1b~0c' },
  ])('%j is accepted', (schema) => {
    expect(problemOf(schema)).toBeNull();
  });

  it('is refused when it is recursive', () => {
    expect(problemOf({ $ref: '#' })?.message).toContain('recursive');
    expect(problemOf({ properties: { child: { anyOf: [{ $ref: '#' }, { $ref: '#' }] } } })).toEqual({
      field: 'schema.properties.child.anyOf[0].$ref',
      message: 'refers to itself; recursive schemas are not supported',
    });
  });

  it('is refused when references write out to more than it may have', () => {
    const $defs: Record<string, unknown> = { a0: { type: 'string' } };
    for (let level = 1; level <= 20; level += 1) {
      $defs[`a${level}`] = { allOf: [{ $ref: `#/$defs/a${level - 1}` }, { $ref: `#/$defs/a${level - 1}` }] };
    }
    expect(problemOf({ $defs })).toBeNull();
    expect(problemOf({ $defs, $ref: '#/$defs/a20' })?.message).toContain(`more than ${MAX_SCHEMA_VALUES} values`);
  });

  it('is refused when it is too large or too deep', () => {
    expect(problemOf({ description: 'x'.repeat(MAX_SCHEMA_BYTES) })?.message).toContain('bytes');
    expect(problemOf({ enum: Array.from({ length: MAX_SCHEMA_VALUES }, (_, value) => value) })?.message).toContain(
      'values',
    );
    let deep = {};
    for (let level = 0; level < 40; level += 1) deep = { not: deep };
    expect(problemOf(deep)?.message).toContain('nested deeper');
  });

  it('with as much in it as is allowed compiles soon', () => {
    const properties = Object.fromEntries(
      Array.from({ length: 330 }, (_, index) => [`p${index}`, { type: 'string', maxLength: 3 }]),
    );
    expect(elapsedMs(() => readSchema({ properties }))).toBeLessThan(BOUNDED_MS);
    expect(problemOf({ properties })).toBeNull();
  });
});

describe('data', () => {
  it.each<[unknown, unknown, string, string]>([
    [{ required: ['build_id'] }, {}, 'data.build_id', 'is required'],
    [{ properties: { a: { type: 'string' } } }, { a: 1 }, 'data.a', 'must be string'],
    [
      { properties: { list: { items: { required: ['x'] } } } },
      { list: [{ x: 1 }, {}] },
      'data.list[1].x',
      'is required',
    ],
    [{ properties: { 'a b': { const: 1 } } }, { 'a b': 2 }, 'data["a b"]', 'must be equal to constant'],
    [{ additionalProperties: false }, { extra: 1 }, 'data.extra', 'is not allowed by the schema'],
    [{ properties: { gone: false } }, { gone: 1 }, 'data.gone', 'is not allowed by the schema'],
    [{ properties: { c: { enum: ['a', 'b'] } } }, { c: 'x' }, 'data.c', 'must be one of "a","b"'],
    [{ properties: { at: { format: 'date-time' } } }, { at: 'now' }, 'data.at', 'must match format "date-time"'],
    [{ properties: { id: { pattern: '^a+$' } } }, { id: 'b' }, 'data.id', 'must match pattern "^a+$"'],
    [{ required: ['constructor'] }, {}, 'data.constructor', 'is required'],
    [{ properties: { n: { type: 'number' } } }, { n: Infinity }, 'data.n', 'must be number'],
  ])('against %j: %j is refused naming where', (schema, data, field, message) => {
    expect(check(schema, data)).toEqual([{ field, message }]);
  });

  it('of a name that every object inherits is looked at like any other', () => {
    const schema = { properties: { ['__proto__']: { type: 'string' } } };
    expect(
      check(JSON.parse('{"properties":{"__proto__":{"type":"string"}}}'), JSON.parse('{"__proto__":"a"}')),
    ).toEqual([]);
    expect(check(schema, {})).toEqual([]);
  });

  it('is left as it is', () => {
    const data = Object.freeze({ a: Object.freeze({}) });
    expect(check({ properties: { a: { properties: { b: { default: 1 } } } } }, data)).toEqual([]);
  });

  it('with integers beyond what a double holds satisfies integer', () => {
    expect(check({ properties: { id: { type: 'integer' } } }, JSON.parse('{"id":9007199254740993123}'))).toEqual([]);
  });

  it('made to hang a backtracking engine is judged soon', () => {
    const schema = { properties: { a: { pattern: '^(a+)+$' } }, patternProperties: { '^(x+x+)+y$': {} } };
    const data = { a: `${'a'.repeat(50_000)}!`, ['x'.repeat(50_000)]: 1 };
    let details: ErrorDetail[] = [];
    expect(elapsedMs(() => (details = check(schema, data)))).toBeLessThan(BOUNDED_MS);
    expect(details).toEqual([{ field: 'data.a', message: 'must match pattern "^(a+)+$"' }]);
  });

  it('with too much text for the slowest patterns is refused soon', () => {
    const text = `c${Array.from({ length: 100_000 }, (_, index) => 'ab'[((index * index) % 7) & 1]).join('')}`;
    const schema = { properties: { a: { pattern: '[ab]*a[ab]{200}[cd]$' } } };
    expect(elapsedMs(() => check(schema, { a: text }))).toBeLessThan(BOUNDED_MS);
    expect(check(schema, { a: text })).toEqual([
      { field: 'data', message: "has too much text to be checked against the schema's patterns" },
    ]);
    expect(check(schema, { a: 'ab' })).toHaveLength(1);
  });

  it('with too many values for a schema that looks at each is refused soon', () => {
    const schema = { properties: { a: { items: { allOf: Array.from({ length: 300 }, () => ({ minimum: 0 })) } } } };
    const many = { a: Array.from({ length: 128_000 }, () => 1) };
    expect(elapsedMs(() => check(schema, many))).toBeLessThan(BOUNDED_MS);
    expect(check(schema, many)).toEqual([
      { field: 'data', message: 'has too many values to be checked against its schema' },
    ]);
    expect(check(schema, { a: [1, 2] })).toEqual([]);
  });

  it('in long arrays of unique items is judged soon', () => {
    const schema = { properties: { a: { uniqueItems: true, items: { type: ['string', 'integer'] } } } };
    const a = Array.from({ length: 60_000 }, (_, value) => (value % 2 === 0 ? value : String(value - 1)));
    expect(elapsedMs(() => expect(check(schema, { a })).toEqual([]))).toBeLessThan(BOUNDED_MS);
    expect(check(schema, { a: [...a, 0] })[0]?.field).toBe('data.a');
  });

  it('as dear as is allowed is judged soon', () => {
    const schema = { properties: { a: { items: { allOf: Array.from({ length: 450 }, () => ({ minimum: 0 })) } } } };
    const dear = { a: Array.from({ length: 1_000 }, () => 1) };
    expect(elapsedMs(() => expect(check(schema, dear)).toEqual([]))).toBeLessThan(BOUNDED_MS);
  });
});

describe('a pattern', () => {
  it.each([
    '^\\d{4}-\\d{2}$',
    '^[a-z]{1,300}$',
    '^\\u0041\\/b$',
    '^(?:[0-9a-f]{4}:){7}[0-9a-f]{4}$',
    '^\\p{L}+$',
    '^(?<year>\\d+)$',
  ])('%s is accepted', (pattern) => {
    expect(problemOf({ pattern })).toBeNull();
  });

  it.each(['a'.repeat(300), '(\\p{L}{31}){32}', '(?:(?:a{30}){30}){30}', '(a)\\1', '(?<=a)b'])(
    '%s is refused',
    (pattern) => {
      expect(problemOf({ pattern })?.field).toBe('schema.pattern');
    },
  );

  it('of a multiplying size is refused before it is compiled', () => {
    expect(elapsedMs(() => problemOf({ pattern: '(?:\\p{L}{999}){999}' }))).toBeLessThan(BOUNDED_MS);
  });
});
