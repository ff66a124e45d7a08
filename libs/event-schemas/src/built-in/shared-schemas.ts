import type { JsonSchema } from '../json-schema';

/** What an event type's `data` looks like, and one that really does. */
export interface DataDescription {
  readonly schema: JsonSchema;
  readonly example: Readonly<Record<string, unknown>>;
}

export const TEXT = { type: 'string' } as const;
/** What identifies a thing; never empty. */
export const ID = { type: 'string', minLength: 1 } as const;
export const INSTANT = { type: 'string', format: 'date-time' } as const;
/** Seconds. */
export const DURATION = { type: 'number', minimum: 0 } as const;
export const URL_TEXT = { type: 'string', format: 'uri' } as const;
export const COUNT = { type: 'integer', minimum: 0 } as const;
export const TEXTS = { type: 'array', items: TEXT } as const;
export const PERSON = { type: 'object', properties: { name: TEXT, email: TEXT, username: TEXT } } as const;

/** The person of most of the reference's payloads. */
export const ALICE = { name: 'Alice Johnson', email: 'alice@example.com', username: 'alice_dev' };
export const BOB = { name: 'Bob Smith', email: 'bob@example.com', username: 'bob_dev' };

/**
 * The schema of `data`: an object with these properties, of which only those that identify the thing are required.
 * Further properties are allowed, so that a publisher can add some without a new version.
 */
export function dataSchema(required: readonly string[], properties: Readonly<Record<string, unknown>>): JsonSchema {
  return { $schema: 'https://json-schema.org/draft/2020-12/schema', type: 'object', required, properties };
}
