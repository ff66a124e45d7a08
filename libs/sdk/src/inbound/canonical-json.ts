import { createHash } from 'node:crypto';

/** JSON whose members are sorted, so that equal values have equal texts; functions stand as their text. */
export function canonicalJson(value: unknown): string {
  return JSON.stringify(value, (_name, member: unknown) => {
    if (typeof member === 'function') return `function ${(member as () => unknown).toString()}`;
    if (typeof member !== 'object' || member === null || Array.isArray(member)) return member;
    return Object.fromEntries(Object.entries(member).sort(([a], [b]) => (a < b ? -1 : 1)));
  });
}

/** A UUID made of what it names: the same for the same parts (RFC 9562, version 8). */
export function derivedUuid(...parts: string[]): string {
  const hex = createHash('sha256').update(canonicalJson(parts)).digest('hex');
  return `${hex.slice(0, 8)}-${hex.slice(8, 12)}-8${hex.slice(13, 16)}-8${hex.slice(17, 20)}-${hex.slice(20, 32)}`;
}

export function hashOf(value: unknown): string {
  return createHash('sha256').update(canonicalJson(value)).digest('hex');
}
