import type { ValueMap } from './inbound-request';

/** What stands in the log in the place of a secret. */
const MASK = '***';

/** Names of headers and parameters whose values are credentials, wherever they come from. */
const SECRET_NAME = /authorization|cookie|token|secret|passw(or)?d|api[-_]?key|credential/i;

/** Headers without the values of those that are secret. */
export function maskHeaders(headers: ValueMap, secretNames: ReadonlySet<string>): ValueMap {
  return Object.fromEntries(
    Object.entries(headers).map(([name, value]) => [name, isSecret(name, secretNames) ? MASK : value]),
  );
}

/** A query as received, without the values of parameters that are secret. */
export function maskQuery(query: string, secretNames: ReadonlySet<string>): string {
  if (query === '') return query;
  return query
    .split('&')
    .map((pair) => {
      const at = pair.indexOf('=');
      const name = at === -1 ? pair : pair.slice(0, at);
      return at !== -1 && isSecret(decoded(name), secretNames) ? `${name}=${MASK}` : pair;
    })
    .join('&');
}

/** Lower-case names of the headers and parameters that a trigger rule compares with a text, which is then a secret. */
export function headersOfRule(rule: unknown): string[] {
  if (Array.isArray(rule)) return rule.flatMap(headersOfRule);
  if (typeof rule !== 'object' || rule === null) return [];
  const { match, ...others } = rule as { match?: { type?: unknown; parameter?: { source?: unknown; name?: unknown } } };
  const nested = Object.values(others).flatMap(headersOfRule);
  const { source, name } = match?.parameter ?? {};
  const isNamed = match?.type === 'value' && typeof name === 'string';
  const isSecretPlace = source === 'header' || source === 'url' || source === 'query';
  return isNamed && isSecretPlace && !HARMLESS.has(name.toLowerCase()) ? [name.toLowerCase(), ...nested] : nested;
}

/** What rules compare to tell events apart. */
const HARMLESS = new Set([
  'content-type',
  'user-agent',
  'x-github-event',
  'x-gitlab-event',
  'x-event-key',
  'x-gitea-event',
]);

function isSecret(name: string, secretNames: ReadonlySet<string>): boolean {
  return SECRET_NAME.test(name) || secretNames.has(name.toLowerCase());
}

function decoded(name: string): string {
  try {
    return decodeURIComponent(name.replaceAll('+', ' '));
  } catch {
    return name;
  }
}
