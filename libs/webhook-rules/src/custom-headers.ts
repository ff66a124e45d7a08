import { isReservedHeader } from './delivery-request';

const MAX_HEADERS = 20;
const MAX_HEADER_NAME_LENGTH = 256;
const MAX_HEADER_BYTES = 4_096;
/** RFC 9110, 5.1: a token. */
const HEADER_NAME = /^[!#$%&'*+.^_`|~0-9A-Za-z-]+$/;
/** RFC 9110, 5.5, without obs-text, which receivers read in different encodings. */
const HEADER_VALUE = /^[\t\x20-\x7e]*$/;

/** What is wrong with custom headers; values are never named, since they may be secret. */
export function headerProblem(value: unknown): string | null {
  if (typeof value !== 'object' || value === null || Array.isArray(value))
    return 'must be an object of names and texts';
  const entries = Object.entries(value);
  if (entries.length > MAX_HEADERS) return `must hold at most ${MAX_HEADERS} headers`;
  const seen = new Set<string>();
  for (const [name, text] of entries) {
    const shown = JSON.stringify(name.slice(0, 64));
    const isName = HEADER_NAME.test(name) && name.length <= MAX_HEADER_NAME_LENGTH && name !== '__proto__';
    if (!isName) return `${shown} is not a valid header name`;
    if (isReservedHeader(name)) return `${shown} is set by the service and cannot be chosen`;
    if (seen.has(name.toLowerCase())) return `${shown} is given twice; names do not differ by case`;
    seen.add(name.toLowerCase());
    if (typeof text !== 'string' || !HEADER_VALUE.test(text))
      return `${shown} must have a text of ASCII without line breaks`;
    if (text.length > MAX_HEADER_BYTES) return `${shown} must have at most ${MAX_HEADER_BYTES} characters`;
  }
  return null;
}
