import { formatId } from '#kernel/ids';
import type { SigningKeys, SigningSecret } from '#webhook-rules/delivery-request';
import type { RetryPolicy } from '#webhook-rules/retry-policy';
import type { PinnedVersions } from '#webhook-rules/pinned-versions';
import { privateKeyOf } from '#webhook-rules/ed25519-keys';
import { standardKey, type SignatureType } from '#webhook-rules/signature';
import type { StoredRetryPolicy } from './entities/webhook.entity';
import { sealContext } from './seal-contexts';
import type { SecretBox } from './secret-box';

/** A webhook as sending needs it: everything decrypted and parsed once, not per attempt. */
export interface WebhookTarget {
  id: string;
  publicId: string;
  tenantId: string;
  projectId: string | null;
  url: string;
  events: string[];
  eventVersions: PinnedVersions;
  active: boolean;
  onInactive: 'drop' | 'hold';
  /** Whether events with the same ordering key go to it one after the other. */
  ordered: boolean;
  /** Whether it still works off, at a set pace, what it held while it was inactive. */
  draining: boolean;
  timeoutMs: number;
  /** Deliveries per second, and requests at once, over all dispatchers; null for no limit of its own. */
  rateLimit: number | null;
  maxInFlight: number | null;
  retryPolicy: RetryPolicy;
  keys: SigningKeys;
  headers: Readonly<Record<string, string>>;
  /** Special ranges that the tenant's deliveries may reach, beside those of the installation. */
  allowedCidrs: readonly string[];
  /** True when its secrets were sealed with a key that is not configured: its deliveries wait for the key. */
  unreadable: boolean;
}

/** Something sealed that another has replaced and that still signs; null where nothing has replaced it. */
interface SealedKey {
  id: string;
  /** base64 */
  sealed: string;
  expires_at_ms: number | null;
}

/** What `READ_WEBHOOK_TARGETS` answers for a webhook. */
export interface WebhookTargetRow {
  id: string;
  tenant_id: string;
  project_id: string | null;
  url: string;
  events: string[];
  event_versions: PinnedVersions;
  active: boolean;
  on_inactive: 'drop' | 'hold';
  ordered: boolean;
  draining: boolean;
  timeout_ms: number;
  rate_limit: number | null;
  max_in_flight: number | null;
  retry_policy: StoredRetryPolicy;
  sealed_secret: Buffer;
  sealed_headers: Buffer | null;
  signature_types: SignatureType[];
  /** The latest first. */
  retiring_secrets: SealedKey[];
  /** The newest first; none unless the webhook wants `v1a`. */
  signing_keys: SealedKey[];
  allowed_cidrs: string[];
}

/** @throws Error when the row's secrets were sealed with a key that is not configured. */
export function toWebhookTarget(row: WebhookTargetRow, box: SecretBox): WebhookTarget {
  return {
    ...unreadableTarget(row),
    unreadable: false,
    keys: openKeys(row, box),
    headers:
      row.sealed_headers === null
        ? {}
        : (JSON.parse(box.unseal(row.sealed_headers, sealContext.webhookHeaders(row.id))) as Record<string, string>),
  };
}

function openKeys(row: WebhookTargetRow, box: SecretBox): SigningKeys {
  const wantsStandard = row.signature_types.includes('v1');
  const toSecret = (secret: string, expiresAtMs: number | null): SigningSecret => ({
    secret,
    standardKey: wantsStandard ? standardKey(secret) : null,
    expiresAtMs,
  });
  const open = ({ id, sealed }: SealedKey, context: (id: string) => string): string =>
    box.unseal(Buffer.from(sealed, 'base64'), context(id));
  return {
    secrets: [
      toSecret(box.unseal(row.sealed_secret, sealContext.webhookSecret(row.id)), null),
      ...row.retiring_secrets.map((old) => toSecret(open(old, sealContext.retiringSecret), old.expires_at_ms)),
    ],
    privateKeys: row.signing_keys.map((key) => ({
      key: privateKeyOf(Buffer.from(open(key, sealContext.privateKey), 'base64')),
      expiresAtMs: key.expires_at_ms,
    })),
  };
}

/** A target without its secrets. */
export function unreadableTarget(row: WebhookTargetRow): WebhookTarget {
  return {
    id: row.id,
    publicId: formatId('webhook', row.id),
    tenantId: row.tenant_id,
    projectId: row.project_id,
    url: row.url,
    events: row.events,
    eventVersions: row.event_versions,
    active: row.active,
    onInactive: row.on_inactive,
    ordered: row.ordered,
    draining: row.draining,
    timeoutMs: row.timeout_ms,
    rateLimit: row.rate_limit,
    maxInFlight: row.max_in_flight,
    retryPolicy: toRetryPolicy(row.retry_policy),
    keys: { secrets: [], privateKeys: [] },
    headers: {},
    allowedCidrs: row.allowed_cidrs,
    unreadable: true,
  };
}

/** Whether its deliveries wait until it is made active again, rather than being cancelled. */
export function isHolding(target: WebhookTarget): boolean {
  return !target.active && target.onInactive === 'hold';
}

/** Whether one dispatcher at a time sends to it, so that its limits hold over all of them. */
export function isExclusive(target: WebhookTarget): boolean {
  return target.rateLimit !== null || target.maxInFlight !== null || target.draining;
}

/** The stored policy, whose fields are named as in the API, as the rules take it. */
export function toRetryPolicy(stored: StoredRetryPolicy): RetryPolicy {
  return {
    maxAttempts: stored.max_attempts,
    backoffStrategy: stored.backoff_strategy,
    initialDelayMs: stored.initial_delay,
    maxDelayMs: stored.max_delay,
    retryOnStatus: stored.retry_on_status ?? null,
    retryOnTimeout: stored.retry_on_timeout ?? true,
    jitter: stored.jitter ?? 0,
  };
}
