import { createHash, createHmac, timingSafeEqual } from 'node:crypto';
import { standardKey } from '#webhook-rules/signature';
import { headerOf, type InboundRequest } from '../inbound-request';
import { SCHEME_PROFILES, type SchemeProfile } from './scheme-profiles';
import type { SignatureSettings } from './signature-settings';

/** Seconds that the sender's clock and ours may differ, as Stripe, Slack and Standard Webhooks recommend. */
const DEFAULT_TOLERANCE_SECONDS = 300;
/** More candidates in one header than any sender that rotates its secrets sends. */
const MAX_CANDIDATES = 20;
/** Unix milliseconds from 1973 on are larger than this, Unix seconds smaller until the year 5138. */
const SMALLEST_MILLISECONDS = 100_000_000_000;
const UNIX_TIME = /^\d{1,16}(?:\.\d{1,9})?$/;

export interface SignatureResult {
  readonly passed: boolean;
  /** Why; for the endpoint's owner. It never has a secret or a right signature in it. */
  readonly detail: string;
}

/**
 * Says whether a request is signed by one of the secrets, by the scheme's rules, and not too old; compares in constant
 * time and never throws.
 */
export function verifySignature(
  settings: SignatureSettings,
  secrets: readonly string[],
  request: InboundRequest,
  now: Date,
): SignatureResult {
  if (settings.scheme === 'none') return passed('The endpoint takes unsigned requests');
  const usable = secrets.filter((secret) => secret !== '');
  // By an empty secret anybody could sign.
  if (usable.length === 0) return failed('The endpoint has no secret that is valid now');
  if (settings.scheme === 'gitlab') return verifyToken(settings.header ?? 'x-gitlab-token', usable, request);

  const profile = profileOf(settings);
  const found = profile.read(request);
  if ('problem' in found) return failed(found.problem);
  if (found.signatures.length > MAX_CANDIDATES) return failed(`More than ${MAX_CANDIDATES} signatures are given`);
  if (found.timestamp !== null) {
    const problem = timeProblem(found.timestamp, now, settings.tolerance_seconds ?? DEFAULT_TOLERANCE_SECONDS);
    if (problem !== null) return failed(problem);
  }
  const content = profile.content(request, found);
  // Every secret and candidate is compared, so that the time does not tell which one is right.
  let matching = -1;
  usable.forEach((secret, index) => {
    const key = profile.usesStandardKey ? standardKey(secret) : secret;
    const mac = createHmac(profile.algorithm, key);
    for (const part of content) mac.update(part);
    const expected = mac.digest(profile.encoding);
    for (const candidate of found.signatures) {
      if (equals(profile.encoding === 'hex' ? candidate.toLowerCase() : candidate, expected)) matching = index;
    }
  });
  if (matching === -1) return failed(`The signature in ${profile.header} does not fit the body and the secret`);
  return passed(matching === 0 ? 'Signed by the newest secret' : 'Signed by an older secret that is still valid');
}

/** Says whether two texts are the same, in a time that depends on their lengths only. */
export function equals(received: string, expected: string): boolean {
  const receivedBytes = Buffer.from(received, 'utf8');
  const expectedBytes = Buffer.from(expected, 'utf8');
  return receivedBytes.length === expectedBytes.length && timingSafeEqual(receivedBytes, expectedBytes);
}

function profileOf(settings: SignatureSettings): SchemeProfile {
  return SCHEME_PROFILES[settings.scheme as keyof typeof SCHEME_PROFILES](settings);
}

/** The secret itself is sent: it is hashed first, so that not even its length can be told from the time. */
function verifyToken(header: string, secrets: readonly string[], request: InboundRequest): SignatureResult {
  const token = headerOf(request, header);
  if (token === null) return failed(`${header} is missing`);
  const digest = sha256(token);
  const matches = secrets.filter((secret) => timingSafeEqual(digest, sha256(secret)));
  return matches.length > 0 ? passed(`${header} is the secret`) : failed(`${header} is not the secret`);
}

function sha256(text: string): Buffer {
  return createHash('sha256').update(text).digest();
}

function timeProblem(timestamp: string, now: Date, toleranceSeconds: number): string | null {
  if (!UNIX_TIME.test(timestamp)) return 'The timestamp is not in Unix seconds or milliseconds';
  const given = Number(timestamp);
  const seconds = given >= SMALLEST_MILLISECONDS ? given / 1000 : given;
  const awaySeconds = Math.abs(now.getTime() / 1000 - seconds);
  // A whole second more, since senders cut off fractions.
  if (awaySeconds < toleranceSeconds + 1) return null;
  return `The timestamp is ${Math.floor(awaySeconds)} s away from our clock; ${toleranceSeconds} s are allowed`;
}

function passed(detail: string): SignatureResult {
  return { passed: true, detail };
}

function failed(detail: string): SignatureResult {
  return { passed: false, detail };
}
