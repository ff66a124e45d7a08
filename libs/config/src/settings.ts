import { parseCidrs } from '#kernel/cidrs';

/** One documented variable of the environment. */
export interface Setting {
  name: string;
  /** One sentence for the operator. */
  doc: string;
  /** The value shown in `.env.example`; the default where there is one. */
  example: string;
}

/** Typed readers over an environment that collect every problem before failing. */
export interface SettingsReader {
  text(name: string): string | null;
  integer(name: string, fallback: number, min: number, max: number): number;
  boolean(name: string, fallback: boolean): boolean;
  list(name: string): string[];
  /** Address ranges; `none` for none. */
  cidrs(name: string): string[];
  /** Web origins; `none` for none. */
  origins(name: string): string[];
  oneOf<T extends string>(name: string, allowed: readonly T[], fallback: T): T;
  url(name: string, protocols: string[]): string | null;
  token(name: string, minLength: number): string | null;
  base64List(name: string, bytes: number): Buffer[];
  required<T>(name: string, value: T | null): T;
  problem(name: string, message: string): void;
  /** @throws Error naming each variable that is wrong. */
  throwIfProblems(): void;
}

/** Reads variables; an empty one counts as unset. Values never appear in messages, since they may be secret. */
export function readSettings(env: NodeJS.ProcessEnv): SettingsReader {
  const problems: string[] = [];
  const problem = (name: string, message: string): void => {
    const line = `${name} ${message}`;
    if (!problems.some((known) => known.startsWith(`${name} `))) problems.push(line);
  };
  const text = (name: string): string | null => env[name]?.trim() || null;
  return {
    text,
    problem,
    integer(name, fallback, min, max) {
      const given = text(name);
      if (given === null) return fallback;
      const value = Number(given);
      if (Number.isInteger(value) && value >= min && value <= max) return value;
      problem(name, `must be a whole number from ${min} to ${max}`);
      return fallback;
    },
    boolean(name, fallback) {
      const given = text(name)?.toLowerCase();
      if (given === undefined) return fallback;
      if (given === 'true' || given === '1') return true;
      if (given === 'false' || given === '0') return false;
      problem(name, 'must be true or false');
      return fallback;
    },
    list: (name) =>
      (text(name) ?? '')
        .split(',')
        .map((item) => item.trim())
        .filter((item) => item !== ''),
    cidrs(name) {
      try {
        return parseCidrs(text(name) ?? '');
      } catch {
        problem(name, 'must be address ranges such as 10.0.0.0/8,::1/128, or `none`');
        return [];
      }
    },
    origins(name) {
      const given = this.list(name).filter((origin) => origin !== 'none');
      if (given.every((origin) => originOf(origin) === origin)) return given;
      problem(name, 'must be origins such as https://app.example, without a path, or `none`');
      return [];
    },
    oneOf(name, allowed, fallback) {
      const given = text(name);
      if (given === null) return fallback;
      const found = allowed.find((item) => item === given);
      if (found !== undefined) return found;
      problem(name, `must be one of ${allowed.join(', ')}`);
      return fallback;
    },
    url(name, protocols) {
      const given = text(name);
      if (given === null) return null;
      if (protocols.includes(parseUrl(given)?.protocol ?? '')) return given;
      problem(name, `must be a URL beginning ${protocols.map((protocol) => `${protocol}//`).join(' or ')}`);
      return null;
    },
    token(name, minLength) {
      const given = text(name);
      if (given !== null && given.length < minLength) problem(name, `must have ${minLength} characters or more`);
      return given;
    },
    base64List(name, bytes) {
      const keys = this.list(name).map((item) => Buffer.from(item, 'base64'));
      if (keys.some((key) => key.length !== bytes))
        problem(name, `must be ${bytes} bytes in base64 (several: separated by commas)`);
      return keys;
    },
    required<T>(name: string, value: T | null): T {
      if (value === null) problem(name, 'is required');
      return value as T;
    },
    throwIfProblems() {
      if (problems.length > 0) throw new Error(`The environment is not right:\n  ${problems.join('\n  ')}`);
    },
  };
}

/** Not by `URL.canParse`: on Node 20, once optimised, it refuses names such as bücher.example now and then. */
function parseUrl(text: string): URL | null {
  try {
    return new URL(text);
  } catch {
    return null;
  }
}

function originOf(text: string): string | null {
  const url = parseUrl(text);
  return url !== null && ['http:', 'https:'].includes(url.protocol) ? url.origin : null;
}
