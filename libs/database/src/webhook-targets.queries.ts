import type { WebhookTargetRow } from './webhook-target';

/** A row of an outer join that may have found nothing. */
type OuterJoined<T> = T | { [K in keyof T]: null };

/** What stands with the tenant: the same in every row. */
export interface TenantOfTargets {
  webhooks_version: string;
}
export type WebhookTargetsRow = OuterJoined<WebhookTargetRow> & TenantOfTargets;

/**
 * A tenant ($1) with its webhooks, or with one ($2, if not null), and all that sending needs; one row without a webhook
 * when there is none. One statement, so that the version fits the rest.
 */
export const READ_WEBHOOK_TARGETS = `
  SELECT t.webhooks_version, t.allowed_cidrs, w.id, w.tenant_id, w.project_id, w.url, w.events, w.event_versions, w.active,
    w.on_inactive, w.ordered, w.draining_since IS NOT NULL AS draining, w.timeout_ms, w.rate_limit, w.max_in_flight, w.retry_policy, w.sealed_secret, w.sealed_headers,
    w.signature_types, coalesce(r.secrets, '[]') AS retiring_secrets,
    CASE WHEN 'v1a' = ANY (w.signature_types) THEN k.keys ELSE '[]' END AS signing_keys
  FROM tenants t
  LEFT JOIN webhooks w ON w.tenant_id = t.id AND w.deleted_at IS NULL AND ($2::uuid IS NULL OR w.id = $2)
  LEFT JOIN (
    SELECT webhook_id, json_agg(json_build_object('id', id, 'sealed', encode(sealed_secret, 'base64'),
      'expires_at_ms', floor(extract(epoch FROM expires_at) * 1000)::bigint) ORDER BY id DESC) AS secrets
    FROM retiring_secrets WHERE tenant_id = $1 AND expires_at > now() GROUP BY webhook_id
  ) r ON r.webhook_id = w.id
  CROSS JOIN (
    SELECT coalesce(json_agg(json_build_object('id', id, 'sealed', encode(sealed_private_key, 'base64'),
      'expires_at_ms', floor(extract(epoch FROM expires_at) * 1000)::bigint) ORDER BY id DESC), '[]') AS keys
    FROM signing_keys WHERE tenant_id = $1 AND (expires_at IS NULL OR expires_at > now())
  ) k
  WHERE t.id = $1`;

/** Whether a row holds a webhook. */
export function hasWebhook(row: WebhookTargetsRow): row is WebhookTargetRow & TenantOfTargets {
  return row.id !== null;
}
