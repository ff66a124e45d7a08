import { formatId } from '#kernel/ids';
import type { SigningKeys } from '#webhook-rules/delivery-request';
import type { RetryPolicy } from '#webhook-rules/retry-policy';
import type { PinnedVersions } from '#webhook-rules/pinned-versions';
import { standardKey } from '#webhook-rules/signature';
import type { StoredRetryPolicy } from './entities/webhook.entity';
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
  timeoutMs: number;
  /** Deliveries per second, and requests at once, over all dispatchers; null for no limit of its own. */
  rateLimit: number | null;
  maxInFlight: number | null;
  retryPolicy: RetryPolicy;
  keys: SigningKeys;
  headers: Readonly<Record<string, string>>;
  /** True when its secrets were sealed with a key that is not configured: its deliveries wait for the key. */
  unreadable: boolean;
}

/** The columns of {@link WebhookTarget}. */
export interface WebhookTargetRow {
  id: string;
  tenant_id: string;
  project_id: string | null;
  url: string;
  events: string[];
  event_versions: PinnedVersions;
  active: boolean;
  on_inactive: 'drop' | 'hold';
  timeout_ms: number;
  rate_limit: number | null;
  max_in_flight: number | null;
  retry_policy: StoredRetryPolicy;
  sealed_secret: Buffer;
  sealed_headers: Buffer | null;
}

export const WEBHOOK_TARGET_COLUMNS =
  'id, tenant_id, project_id, url, events, event_versions, active, on_inactive, timeout_ms, rate_limit, max_in_flight, retry_policy, sealed_secret, sealed_headers';

/** What a sealed column is bound to; see {@link SecretBox.seal}. */
export function sealContext(webhookId: string, column: 'secret' | 'headers'): string {
  return `webhook:${webhookId}:${column}`;
}

/** @throws Error when the row's secrets were sealed with a key that is not configured. */
export function toWebhookTarget(row: WebhookTargetRow, box: SecretBox): WebhookTarget {
  const secret = box.open(row.sealed_secret, sealContext(row.id, 'secret'));
  return {
    ...unreadableTarget(row),
    unreadable: false,
    keys: { secret, standardKey: standardKey(secret) },
    headers:
      row.sealed_headers === null
        ? {}
        : (JSON.parse(box.open(row.sealed_headers, sealContext(row.id, 'headers'))) as Record<string, string>),
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
    timeoutMs: row.timeout_ms,
    rateLimit: row.rate_limit,
    maxInFlight: row.max_in_flight,
    retryPolicy: toRetryPolicy(row.retry_policy),
    keys: { secret: '', standardKey: Buffer.alloc(0) },
    headers: {},
    unreadable: true,
  };
}

/** Whether its deliveries wait until it is made active again, rather than being cancelled. */
export function isHolding(target: WebhookTarget): boolean {
  return !target.active && target.onInactive === 'hold';
}

/** Whether one dispatcher at a time sends to it, so that its limits hold over all of them. */
export function isExclusive(target: WebhookTarget): boolean {
  return target.rateLimit !== null || target.maxInFlight !== null;
}

/** The stored policy, whose fields are named as in the API, as the rules take it. */
function toRetryPolicy(stored: StoredRetryPolicy): RetryPolicy {
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
