import { createHmac } from 'node:crypto';
import { standardKey } from '#webhook-rules/signature';
import type { InboundRequest } from '../inbound-request';
import { SCHEME_PROFILES } from './scheme-profiles';
import type { SignatureSettings } from './signature-settings';

/**
 * The headers by which a sender of the scheme would sign a body: for tests of an endpoint.
 * @param id of the delivery, which some schemes sign too.
 */
export function signRequest(
  settings: SignatureSettings,
  secret: string,
  body: Buffer,
  now: Date,
  id: string,
): Record<string, string> {
  const { scheme } = settings;
  if (scheme === 'none') return {};
  if (scheme === 'gitlab') return { [settings.header ?? 'x-gitlab-token']: secret };
  const seconds = String(Math.floor(now.getTime() / 1000));
  const headers: Record<string, string> = {
    ...timeHeaders(settings, seconds),
    ...(scheme === 'standard-webhooks' && { 'webhook-id': id }),
  };
  const profile = SCHEME_PROFILES[scheme](settings);
  const request: InboundRequest = { method: 'POST', headers, query: {}, body, ip: '', receivedAt: now };
  const mac = createHmac(profile.algorithm, profile.usesStandardKey ? standardKey(secret) : secret);
  for (const part of profile.content(request, { signatures: [], timestamp: seconds, id })) mac.update(part);
  const signature = mac.digest(profile.encoding);
  const value = scheme === 'stripe' ? `t=${seconds},v1=${signature}` : prefixOf(settings) + signature;
  return { ...headers, [profile.header]: value };
}

function timeHeaders(settings: SignatureSettings, seconds: string): Record<string, string> {
  switch (settings.scheme) {
    case 'simple':
      return { [settings.timestamp_header ?? 'x-webhook-timestamp']: seconds };
    case 'trae':
      return { 'x-trae-timestamp': seconds };
    case 'standard-webhooks':
      return { 'webhook-timestamp': seconds };
    case 'slack':
      return { 'x-slack-request-timestamp': seconds };
    default:
      return settings.timestamp_header === undefined ? {} : { [settings.timestamp_header]: seconds };
  }
}

function prefixOf({ scheme, prefix }: SignatureSettings): string {
  switch (scheme) {
    case 'webhook':
    case 'trae':
    case 'github':
      return 'sha256=';
    case 'standard-webhooks':
      return 'v1,';
    case 'slack':
      return 'v0=';
    default:
      return prefix ?? '';
  }
}
