import { headerOf, type InboundRequest } from '../inbound-request';
import { signedContent } from './signed-content';
import type { HMAC_ALGORITHMS, SIGNATURE_ENCODINGS, SignatureScheme, SignatureSettings } from './signature-settings';

/** What a request says of its signature. */
interface Found {
  /** Encoded, without prefix; one of them must be right. */
  readonly signatures: readonly string[];
  /** Null where the scheme has none. */
  readonly timestamp: string | null;
  /** The id that is signed too. */
  readonly id?: string;
}

/** How the requests of a scheme are signed by HMAC. */
export interface SchemeProfile {
  /** Where the signature stands; to name it. */
  readonly header: string;
  readonly algorithm: (typeof HMAC_ALGORITHMS)[number];
  readonly encoding: (typeof SIGNATURE_ENCODINGS)[number];
  /** Whether `whsec_` in a secret marks base64, as in Standard Webhooks. */
  readonly usesStandardKey: boolean;
  read(request: InboundRequest): Found | { readonly problem: string };
  /** The bytes that are signed, in pieces. */
  content(request: InboundRequest, found: Found): (Buffer | string)[];
}

type Profile = (settings: SignatureSettings) => SchemeProfile;
type HmacScheme = Exclude<SignatureScheme, 'gitlab' | 'none'>;

const SHA256_HEX = { algorithm: 'sha256', encoding: 'hex', usesStandardKey: false } as const;

/** `header: <prefix><signature>` over the body alone. */
function overBody(header: string, prefix: string, encoding: 'hex' | 'base64' = 'hex'): Profile {
  return (settings) => ({
    ...SHA256_HEX,
    encoding,
    header: settings.header ?? header,
    read: (request) => readHeader(request, settings.header ?? header, prefix),
    content: (request) => [request.body],
  });
}

/** The schemes that are an HMAC, each by its provider's documentation or the reference. */
export const SCHEME_PROFILES: Readonly<Record<HmacScheme, Profile>> = {
  webhook: overBody('x-webhook-signature', 'sha256='),
  github: overBody('x-hub-signature-256', 'sha256='),
  shopify: overBody('x-shopify-hmac-sha256', '', 'base64'),
  simple: (settings) => ({
    ...overBody('x-webhook-signature', '')(settings),
    read: (request) =>
      withTimestamp(request, settings.timestamp_header ?? 'x-webhook-timestamp', (timestamp) => ({
        ...readHeader(request, settings.header ?? 'x-webhook-signature', ''),
        timestamp,
      })),
  }),
  trae: (settings) => ({
    ...overBody('x-trae-signature-256', 'sha256=')(settings),
    // The time is not signed, so a forger could leave it out as well as change it: it is checked when it is there.
    read: (request) => ({
      ...readHeader(request, 'x-trae-signature-256', 'sha256='),
      timestamp: headerOf(request, 'x-trae-timestamp'),
    }),
  }),
  'standard-webhooks': () => ({
    ...SHA256_HEX,
    header: 'webhook-signature',
    encoding: 'base64',
    usesStandardKey: true,
    read: readStandard,
    content: (request, { id, timestamp }) => [`${id ?? ''}.${timestamp ?? ''}.`, request.body],
  }),
  stripe: () => ({
    ...SHA256_HEX,
    header: 'stripe-signature',
    read: readStripe,
    content: (request, { timestamp }) => [`${timestamp ?? ''}.`, request.body],
  }),
  slack: () => ({
    ...SHA256_HEX,
    header: 'x-slack-signature',
    read: (request) =>
      withTimestamp(request, 'x-slack-request-timestamp', (timestamp) => ({
        ...readHeader(request, 'x-slack-signature', 'v0='),
        timestamp,
      })),
    content: (request, { timestamp }) => [`v0:${timestamp ?? ''}:`, request.body],
  }),
  hmac: (settings) => {
    const header = settings.header ?? 'x-signature';
    const read = (request: InboundRequest): Found | { problem: string } =>
      readHeader(request, header, settings.prefix ?? '');
    return {
      header,
      algorithm: settings.algorithm ?? 'sha256',
      encoding: settings.encoding ?? 'hex',
      usesStandardKey: false,
      read: (request) =>
        settings.timestamp_header === undefined
          ? read(request)
          : withTimestamp(request, settings.timestamp_header, (timestamp) => ({ ...read(request), timestamp })),
      content: (request, { timestamp }) => signedContent(settings.signed_content ?? '{body}', request, timestamp ?? ''),
    };
  },
};

/** The signatures in a header; a sender with several secrets gives several, with commas between. */
function readHeader(request: InboundRequest, header: string, prefix: string): Found | { problem: string } {
  const value = headerOf(request, header);
  if (value === null) return { problem: `${header} is missing` };
  const parts = value.split(',').map((part) => part.trim());
  const signatures = parts.filter((part) => part.startsWith(prefix)).map((part) => part.slice(prefix.length));
  if (signatures.length === 0) return { problem: `${header} does not begin with ${prefix}` };
  return { signatures, timestamp: null };
}

function withTimestamp<T>(
  request: InboundRequest,
  header: string,
  then: (timestamp: string) => T,
): T | { problem: string } {
  const timestamp = headerOf(request, header);
  return timestamp === null ? { problem: `${header} is missing` } : then(timestamp);
}

/** Standard Webhooks 1.0; the names that Svix used before are the same thing. */
function readStandard(request: InboundRequest): Found | { problem: string } {
  const prefix = headerOf(request, 'webhook-id') === null && headerOf(request, 'svix-id') !== null ? 'svix' : 'webhook';
  const id = headerOf(request, `${prefix}-id`);
  const timestamp = headerOf(request, `${prefix}-timestamp`);
  const signature = headerOf(request, `${prefix}-signature`);
  if (id === null || timestamp === null || signature === null) {
    return { problem: 'webhook-id, webhook-timestamp or webhook-signature is missing' };
  }
  const signatures = signature.split(' ').filter((part) => part.startsWith('v1,'));
  if (signatures.length === 0) return { problem: 'webhook-signature has no signature of version v1' };
  return { signatures: signatures.map((part) => part.slice('v1,'.length)), timestamp, id };
}

/** `t=1492774577,v1=5257a869…,v0=…` */
function readStripe(request: InboundRequest): Found | { problem: string } {
  const value = headerOf(request, 'stripe-signature');
  if (value === null) return { problem: 'stripe-signature is missing' };
  const valuesOf = (name: string): string[] =>
    value
      .split(',')
      .flatMap((part) => (part.trim().startsWith(`${name}=`) ? [part.trim().slice(name.length + 1)] : []));
  const [timestamp, ...furtherTimes] = valuesOf('t');
  const signatures = valuesOf('v1');
  if (timestamp === undefined || furtherTimes.length > 0 || signatures.length === 0) {
    return { problem: 'stripe-signature is not of the form t=…,v1=…' };
  }
  return { signatures, timestamp };
}
