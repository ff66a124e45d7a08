export const SIGNATURE_SCHEMES = [
  'webhook',
  'simple',
  'trae',
  'standard-webhooks',
  'github',
  'stripe',
  'slack',
  'shopify',
  'gitlab',
  'hmac',
  'none',
] as const;

export type SignatureScheme = (typeof SIGNATURE_SCHEMES)[number];

export const HMAC_ALGORITHMS = ['sha1', 'sha256', 'sha512'] as const;
export const SIGNATURE_ENCODINGS = ['hex', 'base64'] as const;

/** How an endpoint's requests are signed, as the API has it. Which members a scheme knows: {@link SCHEME_OPTIONS}. */
export interface SignatureSettings {
  readonly scheme: SignatureScheme;
  /** Where the signature stands, when it is not where the scheme has it. */
  readonly header?: string;
  readonly algorithm?: (typeof HMAC_ALGORITHMS)[number];
  readonly encoding?: (typeof SIGNATURE_ENCODINGS)[number];
  /** Before the encoded signature, such as `sha256=`. */
  readonly prefix?: string;
  /** Where the sender's time stands, in Unix seconds or milliseconds. */
  readonly timestamp_header?: string;
  /** Seconds that the sender's time may be away from ours. */
  readonly tolerance_seconds?: number;
  /** What is signed, with `{body}`, `{timestamp}` and `{header:NAME}`; the body alone unless given. */
  readonly signed_content?: string;
}

type Option = Exclude<keyof SignatureSettings, 'scheme'>;

/** What can be set of each scheme; all else is as its provider has it. */
export const SCHEME_OPTIONS: Readonly<Record<SignatureScheme, readonly Option[]>> = {
  webhook: ['header'],
  simple: ['header', 'timestamp_header', 'tolerance_seconds'],
  trae: ['tolerance_seconds'],
  'standard-webhooks': ['tolerance_seconds'],
  github: [],
  stripe: ['tolerance_seconds'],
  slack: ['tolerance_seconds'],
  shopify: [],
  gitlab: ['header'],
  hmac: ['header', 'algorithm', 'encoding', 'prefix', 'timestamp_header', 'tolerance_seconds', 'signed_content'],
  none: [],
};
