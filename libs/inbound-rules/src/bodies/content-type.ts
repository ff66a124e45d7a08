/** What a body is read as. `empty` is a body without a byte, whatever its Content-Type says. */
export const BODY_KINDS = ['json', 'form', 'multipart', 'xml', 'text'] as const;
export type BodyKind = (typeof BODY_KINDS)[number];

export interface ContentType {
  /** Null for a type that is not read. */
  readonly kind: BodyKind | null;
  /** Lower-case, without parameters. */
  readonly mediaType: string;
  /** Names in lower case. */
  readonly parameters: ReadonlyMap<string, string>;
}

const MEDIA_TYPE = /^[!#$%&'*+.^_`|~0-9a-z-]{1,127}\/[!#$%&'*+.^_`|~0-9a-z-]{1,127}$/;
const PARAMETER = /;\s*([!#$%&'*+.^_`|~0-9A-Za-z-]+)\s*=\s*(?:"((?:[^"\\]|\\.)*)"|([^\s;"]*))/g;
const MAX_LENGTH = 512;

/** Reads a Content-Type (RFC 9110, 8.3.1); null when it is not of that form. */
export function parseContentType(text: string): ContentType | null {
  if (text.length > MAX_LENGTH) return null;
  const mediaType = (text.split(';', 1)[0] ?? '').trim().toLowerCase();
  if (!MEDIA_TYPE.test(mediaType)) return null;
  const parameters = [...text.matchAll(PARAMETER)].map(
    ([, name = '', quoted, plain = '']) => [name.toLowerCase(), quoted?.replace(/\\(.)/g, '$1') ?? plain] as const,
  );
  return { kind: kindOf(mediaType), mediaType, parameters: new Map(parameters) };
}

function kindOf(mediaType: string): BodyKind | null {
  if (mediaType === 'application/json' || mediaType === 'text/json' || mediaType.endsWith('+json')) return 'json';
  if (mediaType === 'application/x-www-form-urlencoded') return 'form';
  if (mediaType === 'multipart/form-data') return 'multipart';
  if (mediaType === 'application/xml' || mediaType === 'text/xml' || mediaType.endsWith('+xml')) return 'xml';
  return mediaType.startsWith('text/') ? 'text' : null;
}
