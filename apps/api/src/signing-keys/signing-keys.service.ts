import { Inject, Injectable } from '@nestjs/common';
import { SECRET_BOX } from '#database/database.module';
import type { SecretBox } from '#database/secret-box';
import { TenantDatabase } from '#database/tenant-database';
import { AppError, conflict, notFound } from '#kernel/app-error';
import { formatId } from '#kernel/ids';
import { recordAct } from '../audit-trail/record-act';
import type { Caller } from '../caller/caller';
import { bumpWebhooksVersion } from '../sending/sending.queries';
import { newSigningKey } from './new-signing-key';
import {
  deleteSigningKeys,
  insertSigningKey,
  listSigningKeys,
  retireNewestKey,
  tenantExists,
  type SigningKeyRow,
} from './signing-keys.queries';

/** Each makes deliveries a signature longer. */
const MAX_RETIRING_KEYS = 3;

/** The tenant's ed25519 keys, by which webhooks that want `v1a` are signed. */
@Injectable()
export class SigningKeysService {
  constructor(
    @Inject(TenantDatabase) private readonly database: TenantDatabase,
    @Inject(SECRET_BOX) private readonly box: SecretBox,
  ) {}

  list(tenantId: string): Promise<SigningKeyRow[]> {
    return this.database.run(tenantId, (manager) => listSigningKeys(manager, tenantId));
  }

  /** What anybody may ask. @throws AppError 404 when there is no such tenant. */
  publicKeys(tenantId: string): Promise<SigningKeyRow[]> {
    return this.database.run(tenantId, async (manager) => {
      if (!(await tenantExists(manager, tenantId))) throw notFound('Tenant');
      return listSigningKeys(manager, tenantId);
    });
  }

  /**
   * Makes a new key; the earlier ones sign beside it until their time is over.
   * @throws AppError 403 for a token bound to a project, 409 when there are too many earlier ones.
   */
  rotate(caller: Caller, overlapSeconds: number): Promise<SigningKeyRow[]> {
    const { tenantId, projectId } = caller;
    if (projectId !== null) {
      throw new AppError(403, 'project_token', 'A token bound to a project cannot change signing keys');
    }
    return this.database.run(tenantId, async (manager) => {
      // First, since it locks the tenant: two rotations go one after the other.
      await bumpWebhooksVersion(manager, tenantId);
      const before = await listSigningKeys(manager, tenantId);
      if (overlapSeconds === 0) {
        await deleteSigningKeys(manager, tenantId);
      } else {
        if (before.length > MAX_RETIRING_KEYS) throw tooManyKeys();
        await retireNewestKey(manager, tenantId, overlapSeconds);
      }
      await insertSigningKey(manager, tenantId, newSigningKey(this.box));
      await recordAct(manager, caller, {
        action: 'signing_key.rotated',
        resource: { type: 'tenant', id: formatId('tenant', tenantId) },
        details: { overlap_seconds: overlapSeconds },
      });
      return listSigningKeys(manager, tenantId);
    });
  }
}

function tooManyKeys(): AppError {
  return conflict(
    'too_many_retiring',
    `${MAX_RETIRING_KEYS} earlier keys still sign: wait until one has expired, or end all of them with overlap_seconds 0`,
  );
}
