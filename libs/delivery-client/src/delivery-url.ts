/** Longest URL of a webhook, in characters (DESIGN.md, "Bounds"). */
const MAX_URL_LENGTH = 2_048;

const HTTP_URL = /^https?:\/\//i;
/** The URL parser drops or reinterprets these silently, so that people and programs would read two URLs. */
// eslint-disable-next-line no-control-regex -- control characters are what is looked for
const MISLEADING = /[\s\\\u0000-\u001f\u007f]/;
const HOST_NAME_MAX_LENGTH = 253;
const LABEL_MAX_LENGTH = 63;

export type ParsedUrl = { readonly ok: true; readonly url: URL } | { readonly ok: false; readonly reason: string };

/**
 * Parses the URL of a webhook by the WHATWG rules, under which every spelling of an IP address
 * (`0x7f.1`, `2130706433`, `１２７.0.0.1`) becomes the usual one; `reason` goes on from "The URL …".
 */
export function parseDeliveryUrl(text: string, requireHttps: boolean): ParsedUrl {
  if (text.length > MAX_URL_LENGTH) return refuse(`must not be longer than ${MAX_URL_LENGTH} characters`);
  if (MISLEADING.test(text)) return refuse('must not contain spaces, control characters or backslashes');
  if (!HTTP_URL.test(text)) return refuse('must begin with https:// or http://');
  const url = toUrl(text);
  if (url === null) return refuse('is not a valid URL');
  if (requireHttps && url.protocol !== 'https:') return refuse('must begin with https://');
  if (url.username !== '' || url.password !== '') return refuse('must not contain a user name or password');
  if (text.includes('#')) return refuse('must not have a fragment (#), which is never sent');
  if (url.port === '0') return refuse('must not use port 0');
  if (!isSaneHost(url.hostname)) return refuse('must name a valid host');
  return { ok: true, url };
}

/** Not `URL.canParse`: on Node 20, once optimised, it refuses names such as bücher.example now and then. */
function toUrl(text: string): URL | null {
  try {
    return new URL(text);
  } catch {
    return null;
  }
}

function refuse(reason: string): ParsedUrl {
  return { ok: false, reason };
}

/** One trailing dot, the root, is allowed; empty or overlong labels can never be resolved. */
function isSaneHost(hostname: string): boolean {
  if (hostname.startsWith('[')) return true;
  const name = hostname.endsWith('.') ? hostname.slice(0, -1) : hostname;
  return (
    name.length <= HOST_NAME_MAX_LENGTH &&
    name.split('.').every((label) => label.length > 0 && label.length <= LABEL_MAX_LENGTH)
  );
}
