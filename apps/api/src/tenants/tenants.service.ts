import { Inject, Injectable } from '@nestjs/common';
import { Pool, type PoolClient } from 'pg';
import { SERVICE_POOL } from '#database/database.module';
import { notFound } from '#kernel/app-error';
import { recordAudit } from '#database/audit-log.queries';
import { inTransaction } from '#database/in-transaction';
import { withPartitions } from '#database/with-partitions';
import { formatId, newUuid } from '#kernel/ids';
import type { PageQuery } from '../http/page';
import type { Operator } from '../authentication/operator';
import { TokenAuthenticator } from '../authentication/token-authenticator';
import { hashToken, newToken } from '../authentication/token-text';
import { toTenantLimits } from './dto/limits';
import type { CreateTenantDto, UpdateTenantDto } from './dto/tenant.dto';
import { aboutTenant, tenantActs } from './tenant-acts';
import {
  deleteTenant,
  findDeletion,
  findTenant,
  insertTenant,
  lockTenant,
  listTenants,
  updateTenant,
  type NewTenant,
  type TenantDeletionRow,
  type TenantRow,
} from './tenants.queries';

/** The operator's work on tenants. Changes are effective here at once, on other instances within a second. */
@Injectable()
export class TenantsService {
  constructor(
    @Inject(SERVICE_POOL) private readonly pool: Pool,
    @Inject(TokenAuthenticator) private readonly authenticator: TokenAuthenticator,
  ) {}

  list(page: PageQuery): Promise<{ tenants: TenantRow[]; total: number }> {
    return listTenants(this.pool, page);
  }

  /** @throws AppError 404. */
  async get(id: string): Promise<TenantRow> {
    return (await findTenant(this.pool, id)) ?? tenantNotFound();
  }

  /** Makes a tenant with its first user and token, whose text is answered here and never again. */
  async create(
    operator: Operator,
    wanted: CreateTenantDto,
  ): Promise<{ tenant: TenantRow; user: NewTenant['user']; tokenId: string; text: string }> {
    const text = newToken();
    const nowMs = Date.now();
    const user = { id: newUuid(nowMs), name: wanted.user.name, email: wanted.user.email ?? null };
    const token = { id: newUuid(nowMs), name: 'First token', hash: hashToken(text) };
    const limits = toTenantLimits(wanted.limits ?? {});
    const tenant = await this.change(async (client) => {
      const made = await insertTenant(client, { id: newUuid(nowMs), name: wanted.name, limits, user, token });
      const by = { tenantId: made.id, actor: operator };
      await recordAudit(client, [
        { ...by, action: 'tenant.created', resource: aboutTenant(made.id) },
        { ...by, action: 'user.created', resource: { type: 'user', id: formatId('user', user.id) } },
        { ...by, action: 'token.created', resource: { type: 'token', id: formatId('tok', token.id) } },
      ]);
      return made;
    });
    return { tenant, user, tokenId: token.id, text };
  }

  /** @throws AppError 404. */
  async update(operator: Operator, id: string, change: UpdateTenantDto): Promise<TenantRow> {
    const tenant = await this.change(async (client) => {
      const before = (await lockTenant(client, id)) ?? tenantNotFound();
      const acts = tenantActs(before, change);
      await recordAudit(
        client,
        acts.map((act) => ({ tenantId: id, actor: operator, resource: aboutTenant(id), ...act })),
      );
      return updateTenant(client, id, {
        name: change.name ?? null,
        status: change.status ?? null,
        limits: change.limits === undefined ? null : toTenantLimits(change.limits),
        allowedCidrs: change.allowed_cidrs ?? null,
      });
    });
    this.authenticator.forget({ tenantIds: [id] });
    return tenant ?? tenantNotFound();
  }

  /**
   * Marks a tenant deleted: its tokens stop working and its webhooks get nothing more. A dispatcher then deletes its
   * rows.
   * @throws AppError 404.
   */
  async delete(operator: Operator, id: string): Promise<Date> {
    const deletedAt = await this.change(async (client) => {
      const at = await deleteTenant(client, id);
      if (at !== null) {
        await recordAudit(client, [
          { tenantId: id, actor: operator, action: 'tenant.deleted', resource: aboutTenant(id) },
        ]);
      }
      return at;
    });
    this.authenticator.forget({ tenantIds: [id] });
    return deletedAt ?? tenantNotFound();
  }

  /** How far a deletion has come. @throws AppError 404 for a tenant that was not deleted. */
  async deletion(id: string): Promise<TenantDeletionRow> {
    return (await findDeletion(this.pool, id)) ?? tenantNotFound();
  }

  /** Runs work in one transaction; a second time when there is no partition yet for what it notes. */
  private change<T>(work: (client: PoolClient) => Promise<T>): Promise<T> {
    return withPartitions(this.pool, () => inTransaction(this.pool, work));
  }
}

function tenantNotFound(): never {
  throw notFound('Tenant');
}
