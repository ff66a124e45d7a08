import type { ErrorDetail } from '#kernel/app-error';
import { isJsonObject } from '#event-schemas/json-schema';
import type { Dedupe } from './endpoint-rules';
import { headerOf, type InboundRequest } from './inbound-request';
import { readHeaderName } from './read-settings';
import { resolvePath } from './resolve-path';
import type { SignatureScheme } from './signatures/signature-settings';

const MAX_PATH_LENGTH = 255;

/** What each scheme's senders give a delivery to be known by again, by their documentation. */
const BY_SCHEME: Partial<Record<SignatureScheme, Dedupe>> = {
  simple: { header: 'x-webhook-id' },
  trae: { header: 'x-trae-delivery' },
  'standard-webhooks': { header: 'webhook-id' },
  github: { header: 'x-github-delivery' },
  stripe: { path: 'id' },
  slack: { path: 'event_id' },
  shopify: { header: 'x-shopify-webhook-id' },
  gitlab: { header: 'x-gitlab-event-uuid' },
};

/** Reads `{ "header": … }` or `{ "path": … }`; the scheme's own when not given, no deduplication for null. */
export function readDedupe(given: unknown, scheme: SignatureScheme, problems: ErrorDetail[]): Dedupe | null {
  if (given === undefined) return BY_SCHEME[scheme] ?? null;
  if (given === null) return null;
  const [key, ...further] = isJsonObject(given) ? Object.keys(given) : [];
  if (!isJsonObject(given) || further.length > 0 || (key !== 'header' && key !== 'path')) {
    problems.push({ field: 'dedupe', message: 'must be { "header": name }, { "path": path in the payload } or null' });
    return null;
  }
  const value = given[key];
  if (key === 'header') {
    const header = readHeaderName(value, 'dedupe.header', problems);
    return header === null ? null : { header };
  }
  if (typeof value === 'string' && value.length > 0 && value.length <= MAX_PATH_LENGTH) return { path: value };
  problems.push({
    field: 'dedupe.path',
    message: `must be a path of 1 to ${MAX_PATH_LENGTH} characters, such as event.id`,
  });
  return null;
}

/** What makes a request the same as another one; null when it does not say. */
export function dedupeKeyOf(dedupe: Dedupe | null, request: InboundRequest, payload: unknown): string | null {
  if (dedupe === null) return null;
  const value = 'header' in dedupe ? headerOf(request, dedupe.header) : resolvePath(payload, dedupe.path);
  if (typeof value === 'number' || typeof value === 'boolean') return String(value);
  return typeof value === 'string' && value !== '' ? value : null;
}
