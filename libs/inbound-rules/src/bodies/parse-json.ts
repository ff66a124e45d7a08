import { malformed, MAX_DEPTH, tooDeep } from './body-refusal';

const QUOTE = 0x22;
const BACKSLASH = 0x5c;

/** Parses JSON. @throws BodyRefusal when it is none or nested too deep. */
export function parseJsonBody(text: string, name = 'The body'): unknown {
  if (isTooDeep(text)) throw tooDeep();
  try {
    return JSON.parse(text) as unknown;
  } catch {
    // The engine's message quotes the body.
    throw malformed(`${name} is not valid JSON`);
  }
}

/** Looked at before parsing, so that what would be too deep is never built. */
function isTooDeep(text: string): boolean {
  let depth = 0;
  for (let at = 0; at < text.length; at += 1) {
    const code = text.charCodeAt(at);
    if (code === QUOTE) at = endOfString(text, at);
    // [ and { differ in one bit only, and so do ] and }.
    else if ((code | 0x20) === 0x7b) {
      depth += 1;
      if (depth > MAX_DEPTH) return true;
    } else if ((code | 0x20) === 0x7d) depth -= 1;
  }
  return false;
}

function endOfString(text: string, start: number): number {
  let quote = text.indexOf('"', start + 1);
  while (quote !== -1) {
    let backslashes = 0;
    while (text.charCodeAt(quote - 1 - backslashes) === BACKSLASH) backslashes += 1;
    if (backslashes % 2 === 0) return quote;
    quote = text.indexOf('"', quote + 1);
  }
  return text.length;
}
