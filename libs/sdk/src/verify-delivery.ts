import type { KeyObject } from 'node:crypto';
import { parsePublicKey } from '#webhook-rules/ed25519-keys';
import {
  DEFAULT_TOLERANCE_SECONDS,
  standardKey,
  verifyAsymmetric,
  verifyStandard,
  verifyTrae,
} from '#webhook-rules/signature';

/** Headers as Node.js or Express (`request.headers`) or the Fetch API (`Headers`) have them. */
export type ReceivedHeaders = Readonly<Record<string, string | readonly string[] | undefined>> | Headers;

export interface VerifyDeliveryOptions {
  /** The webhook's secret. While it is being replaced, give both as `secrets`: the delivery must fit one of them. */
  secret?: string | undefined;
  secrets?: readonly string[] | undefined;
  /**
   * The tenant's public keys, for webhooks whose `signature_types` hold `v1a`: as `whpk_…` or as the keys of the JWK set.
   * Beside secrets, one signature that fits is enough.
   */
  publicKeys?: readonly (string | { readonly x?: string | undefined })[] | undefined;
  headers: ReceivedHeaders;
  /** The body as it arrived, before any parser touched it. */
  rawBody: Uint8Array | string;
  /** Seconds that the attempt's time may be away from ours; 300 unless given, `Infinity` for any. */
  toleranceSeconds?: number | undefined;
  /**
   * Which signature counts: `standard` (the default) is that of Standard Webhooks, which covers the attempt's time, so
   * that a recorded delivery cannot be sent again later; `trae` is `X-Trae-Signature-256`, which covers the body only.
   * Every delivery carries both; only the first can be verified by public keys.
   */
  scheme?: 'standard' | 'trae' | undefined;
}

/** A delivery whose signature was right. */
export interface Delivery<T = unknown> {
  /** The event type. */
  event: string;
  /** When the event happened, ISO 8601. */
  timestamp: string;
  webhookId: string;
  /** The same over all attempts of a delivery; another one when the event is redelivered. */
  deliveryId: string;
  /** The same over all deliveries of an event: deduplicate by it. Null when the scheme does not cover it. */
  eventId: string | null;
  data: T;
}

export type SignatureProblem = 'missing_header' | 'bad_timestamp' | 'too_old_or_new' | 'wrong_signature' | 'bad_body';

/** Why a request is not a delivery of the webhook; answer it with 401. */
export class SignatureError extends Error {
  constructor(
    readonly reason: SignatureProblem,
    message: string,
    cause?: unknown,
  ) {
    super(message, cause === undefined ? undefined : { cause });
    this.name = 'SignatureError';
  }
}

const UNIX_SECONDS = /^\d{1,12}$/;

/**
 * Verifies the signature of a received request and answers the delivery it carries.
 * @throws SignatureError when it is not a delivery of this webhook, or too old.
 * @throws TypeError when neither secret nor public key is given, a public key is none, or the body has been parsed
 *   already: mistakes of the receiver.
 */
export function verifyDelivery<T = unknown>(options: VerifyDeliveryOptions): Delivery<T> {
  const secrets = options.secrets ?? (options.secret === undefined ? [] : [options.secret]);
  const publicKeys = (options.publicKeys ?? []).map(readPublicKey);
  // By an empty secret anybody could sign.
  if (secrets.some((secret) => secret === '')) throw new TypeError('secret must not be empty');
  if (secrets.length === 0 && (publicKeys.length === 0 || options.scheme === 'trae')) {
    throw new TypeError('secret must not be empty');
  }
  const body = bytesOf(options.rawBody);
  const toleranceSeconds = options.toleranceSeconds ?? DEFAULT_TOLERANCE_SECONDS;
  const eventId =
    options.scheme === 'trae'
      ? verifyTraeHeaders(secrets, options.headers, body)
      : verifyStandardHeaders({ secrets, publicKeys }, options.headers, body, toleranceSeconds);
  const content = parseBody(body);
  return {
    event: content.event,
    timestamp: content.timestamp,
    webhookId: content.webhook_id,
    deliveryId: content.delivery_id,
    eventId,
    data: content.data as T,
  };
}

function verifyTraeHeaders(secrets: readonly string[], headers: ReceivedHeaders, body: Buffer): null {
  const signature = required(headers, 'x-trae-signature-256');
  if (!secrets.some((secret) => verifyTrae(secret, body, signature))) throw wrongSignature();
  return null;
}

function readPublicKey(given: string | { readonly x?: string | undefined }): KeyObject {
  try {
    return parsePublicKey(typeof given === 'string' ? given : (given.x ?? ''));
  } catch (cause) {
    throw new TypeError('a public key must be whpk_… or a JWK of type OKP, curve Ed25519', { cause });
  }
}

function verifyStandardHeaders(
  { secrets, publicKeys }: { secrets: readonly string[]; publicKeys: readonly KeyObject[] },
  headers: ReceivedHeaders,
  body: Buffer,
  toleranceSeconds: number,
): string {
  const standard = {
    id: required(headers, 'webhook-id'),
    timestamp: required(headers, 'webhook-timestamp'),
    signature: required(headers, 'webhook-signature'),
  };
  const nowMs = Date.now();
  if (!UNIX_SECONDS.test(standard.timestamp)) {
    throw new SignatureError('bad_timestamp', 'webhook-timestamp is not in Unix seconds');
  }
  const awaySeconds = Math.abs(Math.floor(nowMs / 1000) - Number(standard.timestamp));
  if (awaySeconds > toleranceSeconds) {
    throw new SignatureError('too_old_or_new', `webhook-timestamp is ${awaySeconds} s away from this machine's clock`);
  }
  const isRight = (secret: string): boolean =>
    verifyStandard(standardKey(secret), standard, body, nowMs, toleranceSeconds);
  const isSigned = (key: KeyObject): boolean => verifyAsymmetric(key, standard, body, nowMs, toleranceSeconds);
  if (!secrets.some(isRight) && !publicKeys.some(isSigned)) throw wrongSignature();
  return standard.id;
}

function wrongSignature(): SignatureError {
  return new SignatureError('wrong_signature', 'The signature does not fit the body and the secret');
}

function required(headers: ReceivedHeaders, name: string): string {
  // Names arrive in lower case in Node.js; a platform that keeps what was sent is understood too.
  const value =
    headers instanceof Headers
      ? headers.get(name)
      : (headers[name] ?? Object.entries(headers).find(([key]) => key.toLowerCase() === name)?.[1]);
  if (typeof value !== 'string' || value === '') throw new SignatureError('missing_header', `${name} is missing`);
  return value;
}

function bytesOf(rawBody: unknown): Buffer {
  if (typeof rawBody === 'string') return Buffer.from(rawBody);
  if (rawBody instanceof Uint8Array) return Buffer.from(rawBody.buffer, rawBody.byteOffset, rawBody.byteLength);
  throw new TypeError('rawBody must be the bytes as they arrived: a parsed body cannot be verified');
}

interface DeliveryContent {
  event: string;
  timestamp: string;
  webhook_id: string;
  delivery_id: string;
  data: unknown;
}

function parseBody(body: Buffer): DeliveryContent {
  try {
    const parsed: unknown = JSON.parse(body.toString('utf8'));
    if (typeof parsed === 'object' && parsed !== null && 'event' in parsed) return parsed as DeliveryContent;
  } catch (error) {
    throw new SignatureError('bad_body', 'The body is signed but no JSON', error);
  }
  throw new SignatureError('bad_body', 'The body is signed but not that of a delivery');
}
