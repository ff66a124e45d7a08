import type { KeyObject } from 'node:crypto';
import { signAsymmetric, signStandard, signTrae } from './signature';

/** The `User-Agent` of every delivery (the reference, section "其他安全头"). */
const USER_AGENT = 'Trae-Webhooks/1.0';

/** Headers that a webhook's own may not set: ours, and those that belong to the connection. */
const RESERVED_HEADERS: ReadonlySet<string> = new Set([
  'connection',
  'content-encoding',
  'content-length',
  'content-type',
  'accept-encoding',
  'expect',
  'host',
  'keep-alive',
  'proxy-authenticate',
  'proxy-authorization',
  'proxy-connection',
  'te',
  'trailer',
  'transfer-encoding',
  'upgrade',
  'user-agent',
  'webhook-id',
  'webhook-timestamp',
  'webhook-signature',
]);
const RESERVED_PREFIX = 'x-trae-';

/** Whether a custom header name is one that a webhook may not set. */
export function isReservedHeader(name: string): boolean {
  const lower = name.toLowerCase();
  return RESERVED_HEADERS.has(lower) || lower.startsWith(RESERVED_PREFIX);
}

/** What a receiver is told about one delivery. */
export interface DeliveryContent {
  eventType: string;
  /** ISO 8601, of the event. */
  timestamp: string;
  webhookId: string;
  deliveryId: string;
  eventId: string;
  /** Version of the payload's schema. */
  version: string;
  /** JSON bytes, put into the body as they stand. */
  data: Buffer;
}

/** Something that signs until an instant; null for one that nothing has replaced. */
interface Expiring {
  readonly expiresAtMs: number | null;
}

export interface SigningSecret extends Expiring {
  /** Used as its UTF-8 bytes for `X-Trae-Signature-256`. */
  readonly secret: string;
  /** The same secret as a Standard Webhooks key; null when `webhook-signature` shall not hold `v1`. */
  readonly standardKey: Buffer | null;
}

export interface SigningKeys {
  /** The webhook's secret, and behind it those it replaced, the latest first. */
  readonly secrets: readonly SigningSecret[];
  /** The tenant's ed25519 keys, the newest first; none when `webhook-signature` shall not hold `v1a`. */
  readonly privateKeys: readonly (Expiring & { readonly key: KeyObject })[];
}

/**
 * The body of a delivery: `{"event","timestamp","webhook_id","delivery_id","data"}` in this order
 * (the reference, section "Webhook 载荷格式"). The same for every attempt.
 */
export function deliveryBody(content: DeliveryContent): Buffer {
  const head = `{"event":${JSON.stringify(content.eventType)},"timestamp":"${content.timestamp}","webhook_id":"${content.webhookId}","delivery_id":"${content.deliveryId}","data":`;
  return Buffer.concat([Buffer.from(head), content.data, CLOSING]);
}

/**
 * The headers of one attempt: the webhook's own, the reference's and those of Standard Webhooks.
 *
 * While a replaced secret still signs, `webhook-signature` holds one signature by each. `X-Trae-Signature-256` has room
 * for one: it is by the oldest, so that a receiver that knows only that one misses nothing until it expires.
 */
export function deliveryHeaders(
  content: DeliveryContent,
  body: Buffer,
  keys: SigningKeys,
  ownHeaders: Readonly<Record<string, string>>,
  attemptAtMs: number,
): Record<string, string> {
  const timestamp = Math.floor(attemptAtMs / 1000);
  const isValid = ({ expiresAtMs }: Expiring): boolean => expiresAtMs === null || attemptAtMs < expiresAtMs;
  const secrets = keys.secrets.filter(isValid);
  const oldest = secrets.at(-1);
  if (oldest === undefined) throw new Error('A delivery without a secret to sign it');
  const signatures = [
    ...secrets.flatMap(({ standardKey: key }) =>
      key === null ? [] : [signStandard(key, content.eventId, timestamp, body)],
    ),
    ...keys.privateKeys.filter(isValid).map(({ key }) => signAsymmetric(key, content.eventId, timestamp, body)),
  ];
  return {
    ...ownHeaders,
    'Content-Type': 'application/json',
    'User-Agent': USER_AGENT,
    'X-Trae-Event': content.eventType,
    'X-Trae-Delivery': content.deliveryId,
    'X-Trae-Webhook-ID': content.webhookId,
    'X-Trae-Timestamp': String(timestamp),
    'X-Trae-Version': content.version,
    'X-Trae-Signature-256': signTrae(oldest.secret, body),
    'webhook-id': content.eventId,
    'webhook-timestamp': String(timestamp),
    'webhook-signature': signatures.join(' '),
  };
}

const CLOSING = Buffer.from('}');
