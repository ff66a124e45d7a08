import type { ErrorDetail } from '#kernel/app-error';

/** A header's name (RFC 9110, 5.1). */
const HEADER_NAME = /^[!#$%&'*+.^_`|~0-9A-Za-z-]{1,128}$/;

/** Reads a header's name, in lower case; null, and a problem, when it is none. */
export function readHeaderName(given: unknown, field: string, problems: ErrorDetail[]): string | null {
  if (typeof given === 'string' && HEADER_NAME.test(given)) return given.toLowerCase();
  problems.push({ field, message: "must be a header's name, such as X-Signature" });
  return null;
}

/** Adds a problem for every member that is not among the allowed ones. */
export function refuseUnknown(
  given: Readonly<Record<string, unknown>>,
  allowed: readonly string[],
  prefix: string,
  problems: ErrorDetail[],
): void {
  for (const name of Object.keys(given)) {
    if (allowed.includes(name)) continue;
    const field = prefix === '' ? name : `${prefix}.${name}`;
    problems.push({
      field,
      message: `is not known here; allowed ${allowed.length === 0 ? 'is nothing' : `are ${allowed.join(', ')}`}`,
    });
  }
}
