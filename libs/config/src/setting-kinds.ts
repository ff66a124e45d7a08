import { parseCidrs } from '#kernel/cidrs';

/** How the text of a variable becomes a value. */
export interface Kind<T> {
  /** Completes "must be"; null where any text is allowed. */
  allowed: string | null;
  /** Undefined where the text is not allowed. The text is trimmed and not empty. */
  parse(text: string): T | undefined;
  /** The text that {@link parse} reads as the value. */
  format(value: T): string;
}

const NONE = 'none';
const BOOLEANS = new Map([
  ['true', true],
  ['1', true],
  ['false', false],
  ['0', false],
]);

export const text: Kind<string> = { allowed: null, parse: (given) => given, format: String };

export const boolean: Kind<boolean> = {
  allowed: 'true or false',
  parse: (given) => BOOLEANS.get(given.toLowerCase()),
  format: String,
};

export const onOrOff: Kind<boolean> = {
  allowed: 'on or off',
  parse: (given) => (given === 'on' ? true : given === 'off' ? false : undefined),
  format: (value) => (value ? 'on' : 'off'),
};

/** Address ranges; `none` for none. */
export const cidrs: Kind<string[]> = {
  allowed: 'address ranges such as 10.0.0.0/8,::1/128, or `none`',
  parse(given) {
    try {
      return parseCidrs(given);
    } catch {
      return undefined;
    }
  },
  format: formatList,
};

/** Web origins; `none` for none. */
export const origins: Kind<string[]> = {
  allowed: 'origins such as https://app.example, without a path, separated by commas, or `none`',
  parse(given) {
    const list = splitList(given).filter((origin) => origin !== NONE);
    return list.every((origin) => originOf(origin) === origin) ? list : undefined;
  },
  format: formatList,
};

export function integer(min: number, max: number): Kind<number> {
  return {
    allowed: `a whole number from ${min} to ${max}`,
    parse(given) {
      const value = Number(given);
      return Number.isInteger(value) && value >= min && value <= max ? value : undefined;
    },
    format: String,
  };
}

export function oneOf<T extends string>(...values: T[]): Kind<T> {
  return {
    allowed: `one of ${values.join(', ')}`,
    parse: (given) => values.find((value) => value === given),
    format: String,
  };
}

export function url(...schemes: string[]): Kind<string> {
  return {
    allowed: `a URL that begins with ${schemes.map((scheme) => `${scheme}://`).join(' or ')}`,
    parse: (given) => (schemes.includes(parseUrl(given)?.protocol.slice(0, -1) ?? '') ? given : undefined),
    format: String,
  };
}

/** A URL that paths are appended to: returned without a slash at its end. */
export function baseUrl(...schemes: string[]): Kind<string> {
  const kind = url(...schemes);
  return { ...kind, parse: (given) => kind.parse(given)?.replace(/\/+$/, '') };
}

export function token(minLength: number): Kind<string> {
  return {
    allowed: `at least ${minLength} characters long`,
    parse: (given) => (given.length < minLength ? undefined : given),
    format: String,
  };
}

/** Binary keys in base64, separated by commas; one or more. */
export function keys(bytes: number): Kind<Buffer[]> {
  return {
    allowed: `${bytes} bytes in base64 (several: separated by commas)`,
    parse(given) {
      const list = splitList(given).map((item) => Buffer.from(item, 'base64'));
      return list.length > 0 && list.every((key) => key.length === bytes) ? list : undefined;
    },
    format: (list) => list.map((key) => key.toString('base64')).join(','),
  };
}

function splitList(given: string): string[] {
  return given
    .split(',')
    .map((item) => item.trim())
    .filter((item) => item !== '');
}

function formatList(list: string[]): string {
  return list.length === 0 ? NONE : list.join(',');
}

/** Not `URL.canParse`: on Node 20, once optimised, it sometimes rejects names such as bücher.example. */
function parseUrl(given: string): URL | null {
  try {
    return new URL(given);
  } catch {
    return null;
  }
}

function originOf(given: string): string | null {
  const parsed = parseUrl(given);
  return parsed !== null && ['http:', 'https:'].includes(parsed.protocol) ? parsed.origin : null;
}
