import { malformed, unsupported } from './body-refusal';
import { parseContentType } from './content-type';
import { FieldCollector } from './parse-form';
import { parseJsonBody } from './parse-json';

const BOUNDARY = /^[0-9A-Za-z'()+_,\-./:=? ]{1,70}$/;
const LINE_END = Buffer.from('\r\n');
const HEADERS_END = Buffer.from('\r\n\r\n');
const MAX_HEADERS_BYTES = 8_192;
const DISPOSITION_PARAMETER = /;\s*(name|filename)="((?:[^"\\]|\\.)*)"/gi;

/** A file of a multipart body. */
export interface FormFile {
  readonly filename: string;
  readonly content_type: string;
  readonly encoding: 'utf8' | 'base64';
  readonly content: string;
}

/**
 * Parses `multipart/form-data` (RFC 7578): fields are texts, files whose type is JSON what they say, and other files a
 * {@link FormFile}. The whole body is here already, so that nothing needs to be streamed.
 * @throws BodyRefusal
 */
export function parseMultipartBody(body: Buffer, boundary: string | undefined): Record<string, unknown> {
  if (boundary === undefined || !BOUNDARY.test(boundary)) throw unsupported('The Content-Type has no usable boundary');
  const fields = new FieldCollector();
  for (const part of partsOf(body, boundary)) addPart(fields, part);
  return fields.toObject();
}

function* partsOf(body: Buffer, boundary: string): Generator<Buffer> {
  const delimiter = Buffer.from(`\r\n--${boundary}`);
  const first = delimiter.subarray(LINE_END.length);
  let at = body.subarray(0, first.length).equals(first) ? first.length : after(body.indexOf(delimiter), delimiter);
  for (;;) {
    if (body.subarray(at, at + 2).toString('latin1') === '--') return;
    // Blanks may follow a delimiter (RFC 2046, 5.1.1).
    while (body[at] === 0x20 || body[at] === 0x09) at += 1;
    if (!body.subarray(at, at + 2).equals(LINE_END)) throw broken();
    const end = body.indexOf(delimiter, at);
    if (end === -1) throw broken();
    yield body.subarray(at + LINE_END.length, Math.max(end, at + LINE_END.length));
    at = end + delimiter.length;
  }
}

function after(found: number, delimiter: Buffer): number {
  if (found === -1) throw broken();
  return found + delimiter.length;
}

function addPart(fields: FieldCollector, part: Buffer): void {
  const end = part.subarray(0, MAX_HEADERS_BYTES).indexOf(HEADERS_END);
  if (end === -1) throw broken();
  const headers = partHeaders(part.toString('utf8', 0, end));
  const content = part.subarray(end + HEADERS_END.length);
  const disposition = headers.get('content-disposition') ?? '';
  if (!/^form-data\s*;/i.test(disposition)) throw broken();
  const parameters = new Map(
    [...disposition.matchAll(DISPOSITION_PARAMETER)].map(([, key = '', value = '']) => [
      key.toLowerCase(),
      unescaped(value),
    ]),
  );
  const name = parameters.get('name');
  if (name === undefined) throw broken();
  const contentType = headers.get('content-type') ?? 'text/plain';
  if (parseContentType(contentType)?.kind === 'json') {
    fields.add(name, parseJsonBody(content.toString('utf8'), `The part ${name}`));
    return;
  }
  const filename = parameters.get('filename');
  if (filename === undefined) fields.add(name, content.toString('utf8'));
  else fields.add(name, fileOf(filename, contentType, content));
}

function partHeaders(text: string): Map<string, string> {
  const lines = text.split('\r\n').map((line) => [line.slice(0, line.indexOf(':')), line.slice(line.indexOf(':') + 1)]);
  return new Map(lines.map(([name = '', value = '']) => [name.trim().toLowerCase(), value.trim()]));
}

/** Browsers write quotes and line ends in names as percent codes, others with a backslash (RFC 7578, 4.2). */
function unescaped(text: string): string {
  return text
    .replace(/\\(["\\])/g, '$1')
    .replaceAll('%22', '"')
    .replaceAll('%0D%0A', '\r\n');
}

function fileOf(filename: string, contentType: string, content: Buffer): FormFile {
  const text = content.toString('utf8');
  const isText = Buffer.from(text, 'utf8').equals(content);
  return {
    filename,
    content_type: contentType,
    encoding: isText ? 'utf8' : 'base64',
    content: isText ? text : content.toString('base64'),
  };
}

function broken(): Error {
  return malformed('The body is not valid multipart/form-data');
}
