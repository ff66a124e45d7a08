import { readFileSync } from 'node:fs';
import { join } from 'node:path';

const REFERENCE = join(__dirname, '..', 'reference');

type Json = null | boolean | number | string | Json[] | { [key: string]: Json };

/** An example of the reference, as it stands there. */
export function referenceExample(name: string): Record<string, Json> {
  return JSON.parse(readFileSync(join(REFERENCE, 'examples', `${name}.json`), 'utf8')) as Record<string, Json>;
}

/** Code of the reference, as it stands there. */
export function referenceCode(name: string): string {
  return readFileSync(join(REFERENCE, 'client', `${name}.js.txt`), 'utf8');
}

/** The chat commands of the reference, a line each, with what they are said to do behind them. */
export function referenceCommands(): string[] {
  return readFileSync(join(REFERENCE, 'client', 'chat-commands.txt'), 'utf8')
    .trimEnd()
    .split('\n');
}

/** Every field of a value with the JSON type it has, `webhooks[].stats.success_rate: number`; sorted, each once. */
export function shapeOf(value: unknown, path = ''): string[] {
  const found =
    value === null
      ? [`${path}: null`]
      : Array.isArray(value)
        ? [`${path}: array`, ...value.flatMap((item) => shapeOf(item, `${path}[]`))]
        : typeof value === 'object'
          ? [`${path}: object`, ...Object.entries(value).flatMap(([key, member]) => shapeOf(member, `${path}.${key}`))]
          : [`${path}: ${typeof value}`];
  return [...new Set(found)].sort();
}

const ID = /^(webhook|del_test|del|event|user)_\w+$/;
const INSTANT = /^\d{4}-\d{2}-\d{2}T\d{2}:\d{2}:\d{2}(\.\d{3})?Z$/;

/** A value with ids, instants and days by their kind, so that an answer can be compared with an example. */
export function withoutChance(value: unknown): unknown {
  if (typeof value === 'string') {
    if (INSTANT.test(value)) return '<instant>';
    return value.replace(ID, '<$1 id>');
  }
  if (Array.isArray(value)) return value.map(withoutChance);
  if (typeof value !== 'object' || value === null) return value;
  return Object.fromEntries(Object.entries(value).map(([key, member]) => [key, withoutChance(member)]));
}
