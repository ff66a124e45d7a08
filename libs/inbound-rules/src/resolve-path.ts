const INDEX = /^\d{1,9}$/;

/**
 * Looks up a dotted path such as `commits.0.author.name`; undefined when nothing is there. A member whose name has dots
 * itself comes first, as in adnanh/webhook. Only own members count: `constructor` and `__proto__` are ordinary names.
 */
export function resolvePath(source: unknown, path: string): unknown {
  let value = source;
  let rest = path;
  for (;;) {
    if (typeof value !== 'object' || value === null) return undefined;
    if (!Array.isArray(value) && Object.hasOwn(value, rest)) return (value as Record<string, unknown>)[rest];
    const dot = rest.indexOf('.');
    const head = dot === -1 ? rest : rest.slice(0, dot);
    if (Array.isArray(value)) {
      if (!INDEX.test(head)) return undefined;
      value = (value as unknown[])[Number(head)];
    } else {
      if (!Object.hasOwn(value, head)) return undefined;
      value = (value as Record<string, unknown>)[head];
    }
    if (dot === -1) return value;
    rest = rest.slice(dot + 1);
  }
}
