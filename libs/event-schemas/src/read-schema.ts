import Ajv2020 from 'ajv/dist/2020';
import type { ErrorDetail } from '#kernel/app-error';
import { compileSchema, type CheckData } from './compile-schema';
import { fieldPath, pointerSegments } from './field-path';
import { inspectSchema } from './inspect-schema';
import { isJsonObject, type JsonSchema } from './json-schema';

/** Of a schema as JSON without insignificant white space. */
export const MAX_SCHEMA_BYTES = 65_536;

let metaSchema: Ajv2020 | null = null;

/**
 * Reads a schema that a tenant gives: an object that is valid by the meta-schema of draft 2020-12, keeps within the
 * limits and can be compiled; or says where it is not.
 */
export function readSchema(given: unknown): { check: CheckData } | { problem: ErrorDetail } {
  if (!isJsonObject(given)) return { problem: { field: 'schema', message: 'must be a JSON Schema, an object' } };
  if (Buffer.byteLength(JSON.stringify(given)) > MAX_SCHEMA_BYTES) {
    return { problem: { field: 'schema', message: `must have at most ${MAX_SCHEMA_BYTES} bytes` } };
  }
  const invalid = metaSchemaProblem(given);
  if (invalid !== null) return { problem: invalid };
  const inspected = inspectSchema(given);
  if ('problem' in inspected) return inspected;
  try {
    return { check: compileSchema(given, inspected.cost) };
  } catch (error) {
    return { problem: { field: 'schema', message: `cannot be compiled: ${(error as Error).message}` } };
  }
}

/** A schema that was accepted before, ready to check data. @throws Error when it is not acceptable any more. */
export function loadSchema(schema: JsonSchema): CheckData {
  const inspected = inspectSchema(schema);
  if ('problem' in inspected) throw new Error(`${inspected.problem.field}: ${inspected.problem.message}`);
  return compileSchema(schema, inspected.cost);
}

function metaSchemaProblem(given: JsonSchema): ErrorDetail | null {
  // Made when it is first needed: most processes never read a new schema.
  metaSchema ??= new Ajv2020({ strict: false, validateFormats: false, logger: false });
  // The dialect is the inspection's business; Ajv would look up any other.
  const { $schema: _, ...rest } = given;
  if (metaSchema.validateSchema(rest) === true) return null;
  const error = metaSchema.errors?.[0];
  return {
    field: fieldPath('schema', pointerSegments(error?.instancePath ?? '')),
    message: error?.message ?? 'is not a valid JSON Schema',
  };
}
