import type { EntityManager } from 'typeorm';

/** A replaced secret that still signs. */
export interface RetiringSecretRow {
  id: string;
  expires_at: Date;
}

/** Those of a webhook, the latest first. */
export function listRetiringSecrets(
  manager: EntityManager,
  tenantId: string,
  webhookId: string,
): Promise<RetiringSecretRow[]> {
  return manager.query(
    `SELECT id, expires_at FROM retiring_secrets WHERE tenant_id = $1 AND webhook_id = $2 AND expires_at > now()
     ORDER BY id DESC`,
    [tenantId, webhookId],
  );
}

export async function insertRetiringSecret(
  manager: EntityManager,
  tenantId: string,
  webhookId: string,
  secret: { id: string; sealedSecret: Buffer; overlapSeconds: number },
): Promise<void> {
  await manager.query(
    `INSERT INTO retiring_secrets (id, tenant_id, webhook_id, sealed_secret, expires_at)
     VALUES ($1, $2, $3, $4, now() + make_interval(secs => $5))`,
    [secret.id, tenantId, webhookId, secret.sealedSecret, secret.overlapSeconds],
  );
}

/** Erases those of a webhook: from now on only its present secret signs. */
export async function deleteRetiringSecrets(
  manager: EntityManager,
  tenantId: string,
  webhookId: string,
): Promise<void> {
  await manager.query('DELETE FROM retiring_secrets WHERE tenant_id = $1 AND webhook_id = $2', [tenantId, webhookId]);
}
