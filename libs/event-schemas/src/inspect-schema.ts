import type { ErrorDetail } from '#kernel/app-error';
import { fieldPath, pointerSegments } from './field-path';
import { isJsonObject, type JsonSchema } from './json-schema';
import { LinearPattern } from './linear-pattern';
import { DIALECT, FORMATS, keywordKind, type KeywordKind } from './schema-keywords';

/** Values of a schema, without annotations, that data is compared with; a `$ref` counts as what it refers to. */
export interface SchemaCost {
  /** Compared with one value of the data each. */
  readonly once: number;
  /** Compared with many, since they are applied to every item or property. */
  readonly repeated: number;
}

export const MAX_SCHEMA_VALUES = 1_000;
const MAX_DEPTH = 32;
/** Of such items Ajv looks each up among the others; any other it compares with every other, all the way down. */
const QUICKLY_UNIQUE = ['string', 'number', 'integer', 'boolean', 'null'];

/** So that all patterns of a schema together compile within some hundred milliseconds. */
const PATTERN_WEIGHT_PER_VALUE = 10;

const NOTHING: SchemaCost = { once: 0, repeated: 0 };

/** Says why a schema is refused, and where. */
class Refusal extends Error {
  constructor(
    readonly path: readonly string[],
    message: string,
  ) {
    super(message);
  }
}

/**
 * Looks through a schema before it is compiled: only keywords that are known, only references within it, no recursion,
 * and so little of everything that neither compiling it nor any data can keep the service busy.
 * @param schema valid by the meta-schema.
 */
export function inspectSchema(schema: JsonSchema): { cost: SchemaCost } | { problem: ErrorDetail } {
  try {
    const cost = new Inspection(schema).costOf(schema, [], 0);
    if (cost.once + cost.repeated > MAX_SCHEMA_VALUES) {
      throw new Refusal([], `has more than ${MAX_SCHEMA_VALUES} values, counting what $ref refers to each time`);
    }
    return { cost };
  } catch (error) {
    if (!(error instanceof Refusal)) throw error;
    return { problem: { field: fieldPath('schema', error.path), message: error.message } };
  }
}

class Inspection {
  private readonly known = new Map<object, SchemaCost>();
  private readonly underWay = new Set<object>();

  constructor(private readonly root: JsonSchema) {}

  costOf(schema: unknown, path: readonly string[], depth: number): SchemaCost {
    if (!isJsonObject(schema)) return { once: 1, repeated: 0 };
    const known = this.known.get(schema);
    if (known !== undefined) return known;
    if (this.underWay.has(schema)) throw new Refusal(path, 'refers to itself; recursive schemas are not supported');
    if (depth > MAX_DEPTH) throw new Refusal(path, `is nested deeper than ${MAX_DEPTH} levels`);
    this.underWay.add(schema);
    let cost: SchemaCost = { once: 1, repeated: 0 };
    for (const [keyword, value] of Object.entries(schema)) {
      const at = [...path, keyword];
      const kind = keywordKind(keyword);
      if (kind === null) throw new Refusal(at, 'is not a keyword that is supported here');
      cost = sum(cost, this.costOfKeyword(kind, value, schema, at, depth + 1));
    }
    this.underWay.delete(schema);
    this.known.set(schema, cost);
    return cost;
  }

  private costOfKeyword(
    kind: KeywordKind,
    value: unknown,
    schema: JsonSchema,
    path: readonly string[],
    depth: number,
  ): SchemaCost {
    switch (kind) {
      case 'schema':
        return this.costOf(value, path, depth);
      case 'repeated-schema':
        return repeated(this.costOf(value, path, depth));
      case 'schema-list':
      case 'schema-map':
        return this.costOfMembers(value, path, depth);
      case 'repeated-schema-map':
        return Object.keys(value as object).reduce(
          (cost, pattern) => sum(cost, repeated(costOfPattern(pattern, [...path, pattern]))),
          repeated(this.costOfMembers(value, path, depth)),
        );
      case 'definitions':
        this.costOfMembers(value, path, depth);
        return NOTHING;
      case 'reference':
        return this.costOf(this.resolve(value, path), path, depth);
      case 'pattern':
        return costOfPattern(String(value), path);
      case 'format':
        if (!FORMATS.some((format) => format === value)) {
          throw new Refusal(path, `must be one of ${FORMATS.join(', ')}`);
        }
        return { once: 1, repeated: 0 };
      case 'unique-items':
        if (value === true && !haveScalarType(schema['items'])) {
          throw new Refusal(
            path,
            `needs items beside it whose type is ${QUICKLY_UNIQUE.join(', ')} or several of these`,
          );
        }
        return { once: 1, repeated: 1 };
      case 'assertion':
        return { once: countValues(value), repeated: 0 };
      case 'annotation':
        if (path.at(-1) === '$schema' && String(value).replace(/#$/, '') !== DIALECT) {
          throw new Refusal(path, `must be ${DIALECT}`);
        }
        return NOTHING;
    }
  }

  private costOfMembers(members: unknown, path: readonly string[], depth: number): SchemaCost {
    return Object.entries(members as object).reduce(
      (cost, [key, schema]) => sum(cost, this.costOf(schema, [...path, key], depth)),
      NOTHING,
    );
  }

  /** The subschema that a reference such as `#/$defs/address` names. */
  private resolve(reference: unknown, path: readonly string[]): unknown {
    const pointer = /^#((?:\/.*)?)$/s.exec(String(reference))?.[1];
    if (pointer === undefined)
      throw new Refusal(path, 'must refer to a place within this schema, such as #/$defs/name');
    let target: unknown = this.root;
    for (const segment of pointerSegments(decode(pointer))) {
      const isThere = typeof target === 'object' && target !== null && Object.hasOwn(target, segment);
      if (!isThere) throw new Refusal(path, 'refers to nothing in this schema');
      target = (target as Record<string, unknown>)[segment];
    }
    if (!isJsonObject(target) && typeof target !== 'boolean')
      throw new Refusal(path, 'refers to something that is no schema');
    return target;
  }
}

function haveScalarType(items: unknown): boolean {
  const type = isJsonObject(items) ? items['type'] : undefined;
  const types: unknown[] = Array.isArray(type) ? type : [type];
  return types.every((name) => QUICKLY_UNIQUE.includes(String(name)));
}

function costOfPattern(pattern: string, path: readonly string[]): SchemaCost {
  try {
    return { once: 1 + Math.ceil(new LinearPattern(pattern).weight / PATTERN_WEIGHT_PER_VALUE), repeated: 0 };
  } catch (error) {
    throw new Refusal(path, (error as Error).message);
  }
}

function decode(pointer: string): string {
  try {
    return decodeURIComponent(pointer);
  } catch {
    return pointer;
  }
}

/** How many values a JSON value is made of. */
export function countValues(value: unknown): number {
  if (typeof value !== 'object' || value === null) return 1;
  let count = 1;
  for (const member of Array.isArray(value) ? (value as unknown[]) : Object.values(value)) count += countValues(member);
  return count;
}

function sum(a: SchemaCost, b: SchemaCost): SchemaCost {
  return { once: a.once + b.once, repeated: a.repeated + b.repeated };
}

function repeated(cost: SchemaCost): SchemaCost {
  return { once: 0, repeated: cost.once + cost.repeated };
}
