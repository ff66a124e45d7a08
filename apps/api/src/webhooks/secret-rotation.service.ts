import { randomBytes } from 'node:crypto';
import { Inject, Injectable } from '@nestjs/common';
import type { EntityManager } from 'typeorm';
import { SECRET_BOX } from '#database/database.module';
import { WebhookEntity } from '#database/entities/webhook.entity';
import { sealContext } from '#database/seal-contexts';
import type { SecretBox } from '#database/secret-box';
import { TenantDatabase } from '#database/tenant-database';
import { conflict } from '#kernel/app-error';
import { newUuid } from '#kernel/ids';
import { generateSecret, SECRET_BYTES } from '#webhook-rules/signature';
import { recordAct } from '../audit-trail/record-act';
import type { Caller } from '../caller/caller';
import {
  deleteRetiringSecrets,
  insertRetiringSecret,
  listRetiringSecrets,
  type RetiringSecretRow,
} from './retiring-secrets.queries';
import { aboutWebhook } from './webhook-acts';
import { sealSecret } from './webhook-secrets';
import { bumpWebhooksVersion } from '../sending/sending.queries';
import { lockWebhook } from './webhooks.queries';

/** Each makes deliveries a signature longer. */
const MAX_RETIRING_SECRETS = 3;

export interface RotatedSecret {
  secret: string;
  previous: RetiringSecretRow[];
  updatedAt: Date;
}

/** Replaces secrets while what they replace goes on signing for a while. */
@Injectable()
export class SecretRotationService {
  constructor(
    @Inject(TenantDatabase) private readonly database: TenantDatabase,
    @Inject(SECRET_BOX) private readonly box: SecretBox,
  ) {}

  /**
   * The very next event is signed by the new secret too. Secrets replaced before keep their own end; an overlap of 0
   * ends all of them.
   * @param secret null for a generated one.
   * @throws AppError 404; 409 when too many earlier ones still sign.
   */
  rotate(caller: Caller, id: string, secret: string | null, overlapSeconds: number): Promise<RotatedSecret> {
    const { tenantId } = caller;
    const next = secret ?? generateSecret(randomBytes(SECRET_BYTES));
    return this.database.run(tenantId, async (manager) => {
      const webhook = await lockWebhook(manager, caller, id);
      if (overlapSeconds === 0) await deleteRetiringSecrets(manager, tenantId, id);
      else await this.retire(manager, webhook, overlapSeconds);
      const updatedAt = new Date();
      await manager.update(
        WebhookEntity,
        { tenantId, id },
        { sealedSecret: sealSecret(this.box, id, next), version: () => 'version + 1', updatedAt },
      );
      await bumpWebhooksVersion(manager, tenantId);
      const act = { action: 'webhook.secret_rotated', ...aboutWebhook(webhook) } as const;
      await recordAct(manager, caller, { ...act, details: { overlap_seconds: overlapSeconds } });
      return { secret: next, previous: await listRetiringSecrets(manager, tenantId, id), updatedAt };
    });
  }

  private async retire(
    manager: EntityManager,
    { tenantId, id, sealedSecret }: WebhookEntity,
    overlapSeconds: number,
  ): Promise<void> {
    if ((await listRetiringSecrets(manager, tenantId, id)).length >= MAX_RETIRING_SECRETS) throw tooManySecrets();
    const retiringId = newUuid(Date.now());
    const secret = this.box.unseal(sealedSecret, sealContext.webhookSecret(id));
    await insertRetiringSecret(manager, tenantId, id, {
      id: retiringId,
      sealedSecret: this.box.seal(secret, sealContext.retiringSecret(retiringId)),
      overlapSeconds,
    });
  }
}

function tooManySecrets(): Error {
  return conflict(
    'too_many_retiring',
    `${MAX_RETIRING_SECRETS} earlier secrets still sign: wait until one has expired, or end all of them with overlap_seconds 0`,
  );
}
