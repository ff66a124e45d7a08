import { createSecretBox } from '#database/secret-box';
import { sealContext } from '#database/seal-contexts';
import type { StoredRetryPolicy } from '#database/entities/webhook.entity';
import { formatId, newUuid, parseId } from '#kernel/ids';
import type { Pool } from 'pg';
import { uuidAt } from './history';
import { TEST_SECRET } from './receiver';

/** The key of the tests: 32 bytes, base64. */
export const ENCRYPTION_KEY = Buffer.alloc(32, 7).toString('base64');

export interface WebhookValues {
  /** Public ids. */
  tenantId: string;
  userId: string;
  url: string;
  secret?: string;
  events?: string[];
  projectId?: string;
  timeoutMs?: number;
  retryPolicy?: Partial<StoredRetryPolicy>;
  ordered?: boolean;
  onExhausted?: 'skip' | 'wait';
  /** Unix ms of its creation; now unless given. */
  atMs?: number;
}

export interface TestWebhook {
  id: string;
  /** `webhook_…` */
  publicId: string;
}

/** Quick enough for tests; everything else as the default policy. */
const QUICK_POLICY: StoredRetryPolicy = {
  max_attempts: 3,
  backoff_strategy: 'fixed',
  initial_delay: 100,
  max_delay: 60_000,
  retry_on_timeout: true,
};

/** Writes a webhook as the API does, but within no bounds: a timeout below a second makes a quick test. */
export async function insertWebhook(pool: Pool, values: WebhookValues): Promise<TestWebhook> {
  const id = values.atMs === undefined ? newUuid(Date.now()) : uuidAt(values.atMs);
  const box = createSecretBox([Buffer.from(ENCRYPTION_KEY, 'base64')]);
  await pool.query(
    `WITH made AS (
       INSERT INTO webhooks (id, tenant_id, project_id, name, url, events, sealed_secret, timeout_ms, retry_policy, created_by, ordered, on_exhausted)
       VALUES ($1, $2, $3, 'Test webhook', $4, $5, $6, $7, $8, $9, $10, $11))
     ${BUMP} WHERE id = $2`,
    [
      id,
      parseId('tenant', values.tenantId),
      values.projectId ?? null,
      values.url,
      values.events ?? ['*'],
      box.seal(values.secret ?? TEST_SECRET, sealContext.webhookSecret(id)),
      values.timeoutMs ?? 5_000,
      { ...QUICK_POLICY, ...values.retryPolicy },
      parseId('user', values.userId),
      values.ordered ?? false,
      values.onExhausted ?? 'skip',
    ],
  );
  return { id, publicId: formatId('webhook', id) };
}

/** Many webhooks at once that are inactive and hold what they get. */
export async function insertHoldingWebhooks(
  pool: Pool,
  owner: { tenantId: string; userId: string },
  count: number,
): Promise<string[]> {
  const ids = Array.from({ length: count }, () => newUuid(Date.now()));
  const box = createSecretBox([Buffer.from(ENCRYPTION_KEY, 'base64')]);
  await pool.query(
    `WITH made AS (
       INSERT INTO webhooks (id, tenant_id, name, url, events, sealed_secret, retry_policy, created_by, active, on_inactive)
       SELECT id, $1, 'One of many', 'http://127.0.0.1:9/', '{*}', secret, $3, $2, false, 'hold'
       FROM unnest($4::uuid[], $5::bytea[]) AS u(id, secret))
     ${BUMP} WHERE id = $1`,
    [
      parseId('tenant', owner.tenantId),
      parseId('user', owner.userId),
      QUICK_POLICY,
      ids,
      ids.map((id) => box.seal(TEST_SECRET, sealContext.webhookSecret(id))),
    ],
  );
  return ids;
}

/** Changes a webhook as the API does: the tenant's version grows in the same commit. */
export async function changeWebhook(
  pool: Pool,
  id: string,
  change: { url?: string; active?: boolean; deleted?: true },
): Promise<void> {
  await pool.query(
    `WITH changed AS (
       UPDATE webhooks SET url = coalesce($2, url), active = coalesce($3, active), version = version + 1,
         deleted_at = CASE WHEN $4 THEN now() ELSE deleted_at END
       WHERE id = $1 RETURNING tenant_id)
     ${BUMP} WHERE id IN (SELECT tenant_id FROM changed)`,
    [id, change.url ?? null, change.active ?? null, change.deleted ?? false],
  );
}

const BUMP = 'UPDATE tenants SET webhooks_version = webhooks_version + 1, changed_at = now()';
