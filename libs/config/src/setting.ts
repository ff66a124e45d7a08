import type { Kind } from './setting-kinds';

export type App = 'api' | 'dispatcher' | 'local' | 'cli';

/** What defaults may depend on. */
export interface Facts {
  production: boolean;
  port: number;
}

interface Row<T> {
  kind: Kind<T>;
  /** The apps that act on it. */
  apps: readonly App[];
  /** One sentence for the operator. */
  doc: string;
  /** It is, or may contain, a credential. */
  secret?: true;
  /** The form of the value, where no default shows it. */
  example?: string;
}

/** One variable of the environment. */
export interface Setting<T = unknown> {
  name: string;
  kind: Kind<NonNullable<T>>;
  apps: readonly App[];
  doc: string;
  secret: boolean;
  /** The value shown in `.env.example`: the default where there is one. */
  example: string;
  /** Undefined where the variable is required. */
  fallback: ((facts: Facts) => T) | undefined;
  /** The message when a required variable is unset. */
  missing: string;
}

/** What `.env.example` and the documentation show where a default depends on something. */
const SHOWN: Facts = { production: false, port: 3000 };

/** An optional variable without default: null when unset. */
export function setting<T>(name: string, row: Row<T> & { default: null }): Setting<T | null>;
export function setting<T>(
  name: string,
  row: Row<T> & { default: NoInfer<T> | ((facts: Facts) => NoInfer<T>) },
): Setting<T>;
/** A required variable. */
export function setting<T>(name: string, row: Row<T> & { missing: string }): Setting<T>;
export function setting<T>(
  name: string,
  row: Row<T> & { default?: T | null | ((facts: Facts) => T); missing?: string },
): Setting<T | null> {
  const { kind, apps, doc, secret = false, default: given, missing = 'is required' } = row;
  const fallback =
    given === undefined ? undefined : (facts: Facts): T | null => (given instanceof Function ? given(facts) : given);
  const shown = fallback?.(SHOWN) ?? null;
  const example = row.example ?? (shown === null ? '' : kind.format(shown));
  return { name, kind: kind as Kind<NonNullable<T>>, apps, doc, secret, example, fallback, missing };
}
