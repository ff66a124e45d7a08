import { createRequire } from 'node:module';
import { resolve } from 'node:path';
import type { ActionFunction, ActionFunctions } from '#inbound-actions/action-functions';

const load = createRequire(__filename);

/**
 * The functions that a module exports, by name; those of its default export too, as CommonJS has them.
 * @param path absolute, or from the working directory; null for none.
 * @throws Error when there is no such module or it exports no function.
 */
export function loadFunctions(path: string | null): ActionFunctions {
  if (path === null) return new Map();
  let exported: Record<string, unknown>;
  try {
    exported = load(resolve(path)) as Record<string, unknown>;
  } catch (error) {
    throw new Error(`INBOUND_HANDLERS: ${path} cannot be loaded: ${(error as Error).message}`, { cause: error });
  }
  const named = { ...(exported['default'] as object | undefined), ...exported };
  const functions = Object.entries(named).filter(
    (entry): entry is [string, ActionFunction] => entry[0] !== 'default' && typeof entry[1] === 'function',
  );
  if (functions.length === 0) throw new Error(`INBOUND_HANDLERS: ${path} exports no function`);
  return new Map(functions);
}
