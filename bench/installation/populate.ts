import type { Pool } from 'pg';
import { createSecretBox } from '#database/secret-box';
import { sealContext } from '#database/seal-contexts';
import { newUuid } from '#kernel/ids';
import { SCOPES } from '../../apps/api/src/caller/scopes';
import { hashToken, newToken } from '../../apps/api/src/authentication/token-text';

/** Of the bench's installations: 32 bytes, base64. */
export const ENCRYPTION_KEY = Buffer.alloc(32, 11).toString('base64');
export const WEBHOOK_SECRET = 'the-secret-of-the-bench-webhooks';

export interface WebhookPlan {
  url: string;
  /** The webhook gets the events of this project only; null for all. */
  projectId: string | null;
}

export interface MadeTenant {
  tenantId: string;
  token: string;
  webhookIds: string[];
}

const ROWS_PER_STATEMENT = 1_000;
/** As the API's default, but soon: what fails is given up within the run. */
const RETRY_POLICY = {
  ...{ max_attempts: 3, backoff_strategy: 'fixed', initial_delay: 1_000, max_delay: 60_000 },
  retry_on_timeout: true,
};

/** Makes tenants, one for each list of webhooks, with a token each; as the API does, but thousands in a second. */
export async function populate(pool: Pool, tenants: readonly (readonly WebhookPlan[])[]): Promise<MadeTenant[]> {
  const box = createSecretBox([Buffer.from(ENCRYPTION_KEY, 'base64')]);
  const made = tenants.map((webhooks) => ({
    ...{ tenantId: newUuid(Date.now()), userId: newUuid(Date.now()), tokenId: newUuid(Date.now()), token: newToken() },
    webhooks: webhooks.map((plan) => ({ ...plan, id: newUuid(Date.now()) })),
  }));
  await pool.query(
    `WITH made AS (
       INSERT INTO tenants (id, name, webhooks_version) SELECT id, 'Bench', 1 FROM unnest($1::uuid[]) AS t(id)
     ), users AS (
       INSERT INTO users (id, tenant_id, name) SELECT user_id, id, 'Bench' FROM unnest($1::uuid[], $2::uuid[]) AS t(id, user_id)
     )
     INSERT INTO tokens (id, tenant_id, user_id, name, hash, scopes)
     SELECT token_id, id, user_id, 'Bench', hash, $5 FROM unnest($1::uuid[], $2::uuid[], $3::uuid[], $4::bytea[]) AS t(id, user_id, token_id, hash)`,
    [
      made.map(({ tenantId }) => tenantId),
      made.map(({ userId }) => userId),
      made.map(({ tokenId }) => tokenId),
      made.map(({ token }) => hashToken(token)),
      SCOPES,
    ],
  );
  const rows = made.flatMap(({ tenantId, userId, webhooks }) =>
    webhooks.map((webhook) => ({ tenantId, userId, ...webhook })),
  );
  for (let at = 0; at < rows.length; at += ROWS_PER_STATEMENT) {
    const some = rows.slice(at, at + ROWS_PER_STATEMENT);
    await pool.query(
      `INSERT INTO webhooks (id, tenant_id, project_id, name, url, events, sealed_secret, retry_policy, created_by)
       SELECT id, tenant_id, project_id, 'Bench', url, '{*}', sealed_secret, $7, created_by
       FROM unnest($1::uuid[], $2::uuid[], $3::text[], $4::text[], $5::bytea[], $6::uuid[])
         AS t(id, tenant_id, project_id, url, sealed_secret, created_by)`,
      [
        some.map(({ id }) => id),
        some.map(({ tenantId }) => tenantId),
        some.map(({ projectId }) => projectId),
        some.map(({ url }) => url),
        some.map(({ id }) => box.seal(WEBHOOK_SECRET, sealContext.webhookSecret(id))),
        some.map(({ userId }) => userId),
        RETRY_POLICY,
      ],
    );
  }
  await pool.query('ANALYZE tenants, users, tokens, webhooks');
  return made.map(({ tenantId, token, webhooks }) => ({ tenantId, token, webhookIds: webhooks.map(({ id }) => id) }));
}
