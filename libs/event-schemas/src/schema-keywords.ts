/** How a keyword's value is to be read. */
export type KeywordKind =
  /** One subschema for the same value or a single property. */
  | 'schema'
  /** One subschema that is applied to each of many items or properties. */
  | 'repeated-schema'
  | 'schema-list'
  | 'schema-map'
  | 'repeated-schema-map'
  /** Subschemas that do nothing until a `$ref` names them. */
  | 'definitions'
  | 'reference'
  | 'pattern'
  | 'format'
  | 'unique-items'
  /** A plain value that data is compared with. */
  | 'assertion'
  /** Says something to people only. */
  | 'annotation';

const KINDS: Readonly<Record<KeywordKind, readonly string[]>> = {
  schema: ['not', 'if', 'then', 'else'],
  'repeated-schema': [
    'items',
    'contains',
    'additionalProperties',
    'propertyNames',
    'unevaluatedItems',
    'unevaluatedProperties',
  ],
  'schema-list': ['allOf', 'anyOf', 'oneOf', 'prefixItems'],
  'schema-map': ['properties', 'dependentSchemas'],
  'repeated-schema-map': ['patternProperties'],
  definitions: ['$defs', 'definitions'],
  reference: ['$ref'],
  pattern: ['pattern'],
  format: ['format'],
  'unique-items': ['uniqueItems'],
  assertion: [
    'type',
    'enum',
    'const',
    'required',
    'dependentRequired',
    'multipleOf',
    'maximum',
    'exclusiveMaximum',
    'minimum',
    'exclusiveMinimum',
    'maxLength',
    'minLength',
    'maxItems',
    'minItems',
    'maxContains',
    'minContains',
    'maxProperties',
    'minProperties',
  ],
  annotation: [
    '$schema',
    '$comment',
    'title',
    'description',
    'default',
    'examples',
    'deprecated',
    'readOnly',
    'writeOnly',
    'contentEncoding',
    'contentMediaType',
    'contentSchema',
  ],
};

const KIND_OF = new Map(
  Object.entries(KINDS).flatMap(([kind, keywords]) => keywords.map((keyword) => [keyword, kind as KeywordKind])),
);

/** What a keyword of JSON Schema 2020-12 is; null for one that is not supported here. */
export function keywordKind(keyword: string): KeywordKind | null {
  return KIND_OF.get(keyword) ?? null;
}

/** The formats that are checked, of those that the specification names (JSON Schema Validation 2020-12, 7.3). */
export const FORMATS = [
  'date-time',
  'date',
  'time',
  'duration',
  'email',
  'hostname',
  'ipv4',
  'ipv6',
  'uri',
  'uri-reference',
  'uuid',
] as const;

/** The only dialect that is understood. */
export const DIALECT = 'https://json-schema.org/draft/2020-12/schema';
