import Ajv2020, { type ErrorObject } from 'ajv/dist/2020';
import addFormats from 'ajv-formats';
import type { ErrorDetail } from '#kernel/app-error';
import { fieldPath, pointerSegments } from './field-path';
import { countValues, type SchemaCost } from './inspect-schema';
import type { JsonSchema } from './json-schema';
import { LinearPattern, PatternBudgetExceeded, resetPatternBudget } from './linear-pattern';
import { FORMATS } from './schema-keywords';

/**
 * Says what is wrong with a value: nothing, or where it does not satisfy the schema.
 * @param root how the value is called in the answer, for example `data`.
 */
export type CheckData = (value: unknown, root: string) => ErrorDetail[];

const MAX_DETAILS = 5;
/** Values of the data times values of the schema that are applied to many of them: some hundred milliseconds. */
const MAX_COMPARISONS = 1_000_000;
/** Longer texts satisfy no format. */
const MAX_FORMATTED_LENGTH = 2_048;

const formats = Object.fromEntries(FORMATS.map((name) => [name, boundedFormat(name)]));
const regExp = Object.assign((pattern: string) => new LinearPattern(pattern), { code: 'linearPattern' });

/**
 * Compiles a schema that was inspected. It stops at the first failure, since gathering all of them can take forever.
 * @throws Error when Ajv cannot compile it.
 */
export function compileSchema(schema: JsonSchema, cost: SchemaCost): CheckData {
  // One instance each: a shared one keeps everything that it ever compiled.
  const validate = new Ajv2020({
    strictSchema: true,
    strictTypes: false,
    strictTuples: false,
    strictRequired: false,
    // Looks for matches with the engine's own, backtracking regular expressions.
    allowMatchingProperties: true,
    // Properties such as "constructor" are not there just because every object inherits them.
    ownProperties: true,
    // Written out, references could grow exponentially.
    inlineRefs: false,
    validateSchema: false,
    meta: false,
    logger: false,
    formats,
    // The optimiser takes a multiple of all the rest and gains little.
    code: { regExp, optimize: false },
  }).compile(schema);
  return (value, root) => {
    if (isTooMuch(value, cost))
      return [{ field: root, message: 'has too many values to be checked against its schema' }];
    resetPatternBudget();
    try {
      return validate(value) ? [] : (validate.errors ?? []).slice(0, MAX_DETAILS).map((error) => detailOf(error, root));
    } catch (error) {
      if (!(error instanceof PatternBudgetExceeded)) throw error;
      return [{ field: root, message: "has too much text to be checked against the schema's patterns" }];
    }
  };
}

function isTooMuch(value: unknown, { repeated }: SchemaCost): boolean {
  return repeated > 0 && countValues(value) * repeated > MAX_COMPARISONS;
}

function boundedFormat(name: (typeof FORMATS)[number]): (text: string) => boolean {
  const format = addFormats.get(name);
  const check = typeof format === 'object' && 'validate' in format ? format.validate : format;
  return (text) => {
    if (text.length > MAX_FORMATTED_LENGTH) return false;
    if (check instanceof RegExp) return check.test(text);
    if (typeof check !== 'function') throw new Error(`The format ${name} is of a kind that is not expected`);
    return (check as (text: string) => boolean)(text);
  };
}

function detailOf({ instancePath, params, message, keyword }: ErrorObject, root: string): ErrorDetail {
  const named = params as { missingProperty?: string; additionalProperty?: string; unevaluatedProperty?: string };
  const at = (property: string, text: string): ErrorDetail => ({
    field: fieldPath(root, [...pointerSegments(instancePath), property]),
    message: text,
  });
  if (named.missingProperty !== undefined) return at(named.missingProperty, 'is required');
  const unknown = named.additionalProperty ?? named.unevaluatedProperty;
  if (unknown !== undefined) return at(unknown, 'is not allowed by the schema');
  return { field: fieldPath(root, pointerSegments(instancePath)), message: messageOf(keyword, params, message) };
}

function messageOf(keyword: string, params: unknown, message: string | undefined): string {
  if (keyword === 'enum') {
    const { allowedValues } = params as { allowedValues: unknown[] };
    const shown = JSON.stringify(allowedValues).slice(1, -1);
    if (shown.length <= 200) return `must be one of ${shown}`;
  }
  if (keyword === 'false schema') return 'is not allowed by the schema';
  return message ?? 'does not satisfy the schema';
}
