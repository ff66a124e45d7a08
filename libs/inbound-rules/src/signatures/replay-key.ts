import { createHash } from 'node:crypto';
import type { EndpointRules } from '../endpoint-rules';
import type { InboundRequest } from '../inbound-request';
import { SCHEME_PROFILES } from './scheme-profiles';
import type { SignatureScheme } from './signature-settings';

/** Of these every genuine delivery has signed content of its own: an id or time is in what is signed. */
const UNIQUE_CONTENT: ReadonlySet<SignatureScheme> = new Set<SignatureScheme>([
  'simple',
  'trae',
  'standard-webhooks',
  'github',
  'stripe',
  'slack',
  'shopify',
]);

/**
 * The digest of what is signed of a request whose signature was verified: whoever repeats a captured request can change
 * the delivery's id in an unsigned header, but not this. Null where genuine requests may be the same twice (a signed
 * body without a time), and where repetitions are wanted.
 */
export function replayKey({ signature, dedupe }: EndpointRules, request: InboundRequest): string | null {
  const { scheme } = signature;
  const signsTime = scheme === 'hmac' && signature.signed_content?.includes('{timestamp}') === true;
  if (!signsTime && (dedupe === null || !UNIQUE_CONTENT.has(scheme))) return null;
  const profile = SCHEME_PROFILES[scheme as keyof typeof SCHEME_PROFILES](signature);
  const found = profile.read(request);
  if ('problem' in found) return null;
  const digest = createHash('sha256');
  for (const part of profile.content(request, found)) digest.update(part);
  return digest.digest('base64');
}
