import type { ErrorDetail } from '#kernel/app-error';

/** `toleranceSeconds` → `tolerance_seconds`: settings are in the SDK as JavaScript has names, in the rules as the API has. */
function snakeCase(name: string): string {
  return name.replaceAll(/[A-Z]/g, (letter) => `_${letter.toLowerCase()}`);
}

function camelCase(name: string): string {
  return name.replaceAll(/_([a-z])/g, (_match, letter: string) => letter.toUpperCase());
}

/** Own names only: what stands below, such as a schema, is left as it is. */
export function snakeKeys(given: object): Record<string, unknown> {
  const entries = Object.entries(given).filter(([, value]) => value !== undefined);
  return Object.fromEntries(entries.map(([name, value]: [string, unknown]) => [snakeCase(name), value]));
}

export function camelKeys(given: object): Record<string, unknown> {
  return Object.fromEntries(Object.entries(given).map(([name, value]: [string, unknown]) => [camelCase(name), value]));
}

/** Problems with the names that the SDK's caller wrote. */
export function inCallersNames(problems: readonly ErrorDetail[]): ErrorDetail[] {
  return problems.map(({ field, message }) => {
    const [head = '', ...rest] = field.split('.');
    const inner = ['signature', 'response', 'rate_limit'].includes(head) ? rest.map(camelCase) : rest;
    return { field: [camelCase(head), ...inner].join('.'), message };
  });
}
