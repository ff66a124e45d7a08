import { headerOf, type InboundRequest } from '../inbound-request';

const PLACEHOLDER = /\{(body|timestamp|header:[!#$%&'*+.^_`|~0-9A-Za-z-]+)\}/g;

/** What is signed by the general HMAC scheme: a text with `{body}`, `{timestamp}` and `{header:NAME}` in it. */
export function signedContent(template: string, request: InboundRequest, timestamp: string): (Buffer | string)[] {
  // The pieces between placeholders alternate with the placeholders, since the expression has one group.
  return template.split(PLACEHOLDER).map((piece, index) => {
    if (index % 2 === 0) return piece;
    if (piece === 'body') return request.body;
    return piece === 'timestamp' ? timestamp : (headerOf(request, piece.slice('header:'.length)) ?? '');
  });
}

/** Says what is wrong with such a text, or null. */
export function signedContentProblem(template: string, hasTimestamp: boolean): string | null {
  const names = [...template.matchAll(PLACEHOLDER)].map(([, name]) => name);
  if (/[{}]/.test(template.replace(PLACEHOLDER, ''))) {
    return 'may have {body}, {timestamp} and {header:NAME} in braces, and nothing else';
  }
  if (!names.includes('body')) return 'must have {body} in it: what is not signed can be forged';
  if (names.includes('timestamp') && !hasTimestamp)
    return 'has {timestamp} in it: timestamp_header must say where it is';
  return null;
}
