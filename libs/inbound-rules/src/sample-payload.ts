import { isJsonObject } from '#event-schemas/json-schema';

const MAX_DEPTH = 8;

/** A payload to try an endpoint out with: of its schema's examples, defaults and types, or a plain one. */
export function samplePayload(schema: unknown, now: Date): unknown {
  if (isJsonObject(schema)) return sampleOf(schema, 1);
  return { event: 'test', message: 'This is a test of the endpoint', timestamp: now.toISOString() };
}

function sampleOf(schema: unknown, depth: number): unknown {
  if (!isJsonObject(schema) || depth > MAX_DEPTH) return 'text';
  if ('const' in schema) return schema['const'];
  if ('default' in schema) return schema['default'];
  for (const list of [schema['examples'], schema['enum']])
    if (Array.isArray(list) && list.length > 0) return list[0] as unknown;
  const types: unknown[] = Array.isArray(schema['type']) ? schema['type'] : [schema['type']];
  const type = types[0] ?? (isJsonObject(schema['properties']) ? 'object' : undefined);
  switch (type) {
    case 'object': {
      const properties = isJsonObject(schema['properties']) ? schema['properties'] : {};
      return Object.fromEntries(
        Object.entries(properties).map(([name, property]) => [name, sampleOf(property, depth + 1)]),
      );
    }
    case 'array':
      return [sampleOf(schema['items'], depth + 1)];
    case 'integer':
    case 'number':
      return typeof schema['minimum'] === 'number' ? schema['minimum'] : 1;
    case 'boolean':
      return true;
    case 'null':
      return null;
    default:
      return sampleText(schema);
  }
}

function sampleText({ format, minLength }: Record<string, unknown>): string {
  if (format === 'date-time') return '2024-01-01T12:00:00Z';
  if (format === 'date') return '2024-01-01';
  if (format === 'email') return 'somebody@example.com';
  if (format === 'uri') return 'https://example.com/';
  if (format === 'uuid') return '01900000-0000-7000-8000-000000000000';
  return typeof minLength === 'number' ? 'text'.padEnd(Math.min(minLength, 1_000), '.') : 'text';
}
