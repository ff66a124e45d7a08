import type { OpenAPIObject } from '@nestjs/swagger';
import type { Operation } from './openapi-operations';
import { REFERENCE_EXAMPLES } from './reference-examples';

type Schemas = NonNullable<NonNullable<OpenAPIObject['components']>['schemas']>;
type Schema = Schemas[string];

/**
 * Gives an operation an example of its request and of its success: the reference's where it has one, else one that is
 * put together of the examples of the fields.
 */
export function completeExamples({ operation }: Operation, schemas: Schemas): void {
  const reference = REFERENCE_EXAMPLES[operation.operationId ?? ''] ?? {};
  if (operation.requestBody !== undefined && !('$ref' in operation.requestBody)) {
    const body = operation.requestBody.content['application/json'];
    if (body?.schema !== undefined) body.example = reference.request ?? exampleOf(body.schema, schemas);
  }
  for (const [status, response] of Object.entries(operation.responses)) {
    if (!status.startsWith('2') || response === undefined || '$ref' in response) continue;
    const body = response.content?.['application/json'];
    if (body?.schema !== undefined) body.example = reference.response ?? exampleOf(body.schema, schemas);
  }
}

/** A value of a schema: its own example, or what its parts make; of an object what is required, or all if nothing is. */
function exampleOf(given: Schema, schemas: Schemas): unknown {
  const schema = resolved(given, schemas);
  if (schema.example !== undefined) return schema.example;
  if (schema.default !== undefined) return schema.default;
  if (schema.enum !== undefined) return schema.enum[0];
  const part = (schema.allOf ?? schema.anyOf ?? schema.oneOf)?.[0];
  if (part !== undefined) return exampleOf(part, schemas);
  if (schema.items !== undefined) return [exampleOf(schema.items, schemas)];
  if (schema.properties !== undefined) {
    const names = schema.required?.length ? schema.required : Object.keys(schema.properties);
    return Object.fromEntries(names.map((name) => [name, exampleOf(schema.properties?.[name] ?? {}, schemas)]));
  }
  const type: unknown = schema.type;
  // What may be null and shows nothing else is null.
  if (Array.isArray(type) && type.includes('null')) return null;
  switch (type) {
    case 'boolean':
      return true;
    case 'integer':
    case 'number':
      return schema.minimum ?? 1;
    case 'string':
      return 'text';
    default:
      return {};
  }
}

function resolved(schema: Schema, schemas: Schemas): Exclude<Schema, { $ref: string }> {
  if (!('$ref' in schema)) return schema;
  const target = schemas[schema.$ref.slice(schema.$ref.lastIndexOf('/') + 1)];
  if (target === undefined) throw new Error(`${schema.$ref} is not described`);
  return resolved(target, schemas);
}
