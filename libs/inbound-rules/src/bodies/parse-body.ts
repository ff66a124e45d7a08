import { isUtf8 } from 'node:buffer';
import { firstValues, type InboundRequest } from '../inbound-request';
import type { RequestValues } from '../trigger-rules/request-value';
import type { VerdictCode } from '../verdict';
import { BodyRefusal, malformed, unsupported } from './body-refusal';
import { parseContentType, type BodyKind, type ContentType } from './content-type';
import { parseFormBody } from './parse-form';
import { parseJsonBody } from './parse-json';
import { parseMultipartBody } from './parse-multipart';
import { parseXmlBody } from './parse-xml';

export interface ParsedBody {
  readonly kind: BodyKind | 'empty';
  readonly payload: unknown;
}

export interface RefusedBody {
  readonly status: 400 | 415 | 422;
  readonly code: VerdictCode;
  /** For the sender. */
  readonly message: string;
}

const UTF8 = ['utf-8', 'utf8', 'us-ascii', 'ascii'];
const LATIN1 = ['iso-8859-1', 'latin1', 'windows-1252'];

const BYTE_ORDER_MARK = '\ufeff';

const latin1 = new TextDecoder('windows-1252');

/**
 * Reads a body as its Content-Type says: JSON (also `+json`), a form, multipart, XML or text. Without one it is JSON
 * where it can be, otherwise text. No byte at all is an empty payload, `{}`. Never throws.
 */
export function parseBody(contentType: string | null, body: Buffer): ParsedBody | RefusedBody {
  if (body.length === 0) return { kind: 'empty', payload: {} };
  try {
    return contentType === null ? guess(body) : parseAs(contentType, body);
  } catch (error) {
    if (!(error instanceof BodyRefusal)) throw error;
    return { status: error.status, code: error.code, message: error.message };
  }
}

/** What trigger rules and commands refer to. */
export function contextValues(request: InboundRequest, { kind, payload }: ParsedBody): RequestValues {
  return {
    method: request.method.toUpperCase(),
    ip: request.ip,
    body: request.body,
    isForm: kind === 'form' || kind === 'multipart',
    payload,
    headers: firstValues(request.headers),
    query: firstValues(request.query),
  };
}

function parseAs(text: string, body: Buffer): ParsedBody {
  const contentType = parseContentType(text);
  const kind = contentType?.kind ?? null;
  if (contentType === null || kind === null) {
    throw unsupported('The Content-Type must be JSON, a form, multipart/form-data, XML or text');
  }
  return { kind, payload: payloadOf(kind, contentType, body) };
}

function payloadOf(kind: BodyKind, contentType: ContentType, body: Buffer): unknown {
  switch (kind) {
    case 'json':
      return parseJsonBody(decode(body, contentType));
    case 'form':
      return parseFormBody(decode(body, contentType));
    case 'multipart':
      return parseMultipartBody(body, contentType.parameters.get('boundary'));
    case 'xml':
      return parseXmlBody(decode(body, contentType));
    case 'text':
      return decode(body, contentType);
  }
}

function guess(body: Buffer): ParsedBody {
  const text = decodeUtf8(body);
  try {
    return { kind: 'json', payload: parseJsonBody(text) };
  } catch (error) {
    if (error instanceof BodyRefusal && error.code === 'malformed_body') return { kind: 'text', payload: text };
    throw error;
  }
}

function decode(body: Buffer, { kind, parameters }: ContentType): string {
  const charset = (parameters.get('charset') ?? 'utf-8').toLowerCase();
  if (UTF8.includes(charset)) return decodeUtf8(body);
  // JSON is UTF-8 (RFC 8259, 8.1).
  if (LATIN1.includes(charset) && kind !== 'json') return latin1.decode(body);
  throw unsupported('The charset must be UTF-8');
}

function decodeUtf8(body: Buffer): string {
  if (!isUtf8(body)) throw malformed('The body is not valid UTF-8');
  const text = body.toString('utf8');
  return text.startsWith(BYTE_ORDER_MARK) ? text.slice(BYTE_ORDER_MARK.length) : text;
}
