/** One member of a JSON object and where its value stands in the bytes. */
export interface JsonMember {
  key: string;
  start: number;
  end: number;
}

const QUOTE = 0x22;
const BACKSLASH = 0x5c;
const OPEN_BRACE = 0x7b;
const CLOSE_BRACE = 0x7d;
const OPEN_BRACKET = 0x5b;
const CLOSE_BRACKET = 0x5d;
const COMMA = 0x2c;
const COLON = 0x3a;

/**
 * The members of the object at `start`, in order and with duplicates, without reading into their values;
 * so that a value can be passed on byte for byte (parsing and writing again changes numbers such as 1.0).
 * @param json bytes that `JSON.parse` has accepted: nothing is checked again here.
 */
export function jsonMembers(json: Buffer, start = 0): JsonMember[] {
  const members: JsonMember[] = [];
  let at = skipSpace(json, start) + 1;
  for (;;) {
    at = skipSpace(json, at);
    if (json[at] === CLOSE_BRACE || at >= json.length) return members;
    if (json[at] === COMMA) {
      at += 1;
      continue;
    }
    const keyEnd = endOfString(json, at);
    const key = textOfString(json, at, keyEnd);
    at = skipSpace(json, keyEnd);
    if (json[at] === COLON) at += 1;
    const valueStart = skipSpace(json, at);
    at = endOfValue(json, valueStart);
    members.push({ key, start: valueStart, end: at });
  }
}

/** Where each item of the array at `start` stands; see {@link jsonMembers}. */
export function jsonItems(json: Buffer, start: number): { start: number; end: number }[] {
  const items: { start: number; end: number }[] = [];
  let at = skipSpace(json, start) + 1;
  for (;;) {
    at = skipSpace(json, at);
    if (json[at] === CLOSE_BRACKET || at >= json.length) return items;
    if (json[at] === COMMA) {
      at += 1;
      continue;
    }
    const end = endOfValue(json, at);
    items.push({ start: at, end });
    at = end;
  }
}

function endOfValue(json: Buffer, start: number): number {
  const first = json[start];
  if (first === QUOTE) return endOfString(json, start);
  if (first === OPEN_BRACE || first === OPEN_BRACKET) return endOfContainer(json, start);
  let at = start;
  while (at < json.length && !isDelimiter(json[at])) at += 1;
  return at;
}

function endOfContainer(json: Buffer, start: number): number {
  let depth = 0;
  for (let at = start; at < json.length; at += 1) {
    const byte = json[at];
    if (byte === QUOTE) {
      at = endOfString(json, at) - 1;
    } else if (byte === OPEN_BRACE || byte === OPEN_BRACKET) {
      depth += 1;
    } else if (byte === CLOSE_BRACE || byte === CLOSE_BRACKET) {
      depth -= 1;
      if (depth === 0) return at + 1;
    }
  }
  return json.length;
}

/** A string between its quotes; parsed only where something is escaped. */
function textOfString(json: Buffer, start: number, end: number): string {
  const text = json.toString('utf8', start + 1, end - 1);
  return text.includes('\\') ? (JSON.parse(`"${text}"`) as string) : text;
}

/** One past the closing quote of the string at `start`. */
function endOfString(json: Buffer, start: number): number {
  let at = start + 1;
  for (;;) {
    const quote = json.indexOf(QUOTE, at);
    if (quote === -1) return json.length;
    let backslashes = 0;
    while (json[quote - 1 - backslashes] === BACKSLASH) backslashes += 1;
    if (backslashes % 2 === 0) return quote + 1;
    at = quote + 1;
  }
}

function skipSpace(json: Buffer, start: number): number {
  let at = start;
  while (at < json.length && isSpace(json[at])) at += 1;
  return at;
}

function isSpace(byte: number | undefined): boolean {
  return byte === 0x20 || byte === 0x0a || byte === 0x0d || byte === 0x09;
}

function isDelimiter(byte: number | undefined): boolean {
  return byte === COMMA || byte === CLOSE_BRACE || byte === CLOSE_BRACKET || isSpace(byte);
}
