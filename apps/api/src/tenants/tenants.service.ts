import { Inject, Injectable } from '@nestjs/common';
import { Pool } from 'pg';
import { BATCH_POOL } from '#database/database.module';
import { notFound } from '#kernel/app-error';
import { newUuid } from '#kernel/ids';
import type { PageQuery } from '../http/page';
import { TokenAuthenticator } from '../tokens/token-authenticator';
import { hashToken, newToken } from '../tokens/token-text';
import { toTenantLimits } from './dto/limits';
import type { CreateTenantDto, UpdateTenantDto } from './dto/tenant.dto';
import {
  deleteTenant,
  findTenant,
  insertTenant,
  listTenants,
  updateTenant,
  type NewTenant,
  type TenantRow,
} from './tenants.queries';

/** The operator's work on tenants. Changes are effective here at once, on other instances within a second. */
@Injectable()
export class TenantsService {
  constructor(
    @Inject(BATCH_POOL) private readonly pool: Pool,
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
    wanted: CreateTenantDto,
  ): Promise<{ tenant: TenantRow; user: NewTenant['user']; tokenId: string; text: string }> {
    const text = newToken();
    const nowMs = Date.now();
    const user = { id: newUuid(nowMs), name: wanted.user.name, email: wanted.user.email ?? null };
    const token = { id: newUuid(nowMs), name: 'First token', hash: hashToken(text) };
    const limits = toTenantLimits(wanted.limits ?? {});
    const tenant = await insertTenant(this.pool, { id: newUuid(nowMs), name: wanted.name, limits, user, token });
    return { tenant, user, tokenId: token.id, text };
  }

  /** @throws AppError 404. */
  async update(id: string, change: UpdateTenantDto): Promise<TenantRow> {
    const tenant = await updateTenant(this.pool, id, {
      name: change.name ?? null,
      status: change.status ?? null,
      limits: change.limits === undefined ? null : toTenantLimits(change.limits),
    });
    this.authenticator.forget({ tenantIds: [id] });
    return tenant ?? tenantNotFound();
  }

  /**
   * Marks a tenant deleted: its tokens stop working and its webhooks get nothing more. Its rows stay until retention
   * takes them.
   * @throws AppError 404.
   */
  async delete(id: string): Promise<Date> {
    const deletedAt = await deleteTenant(this.pool, id);
    this.authenticator.forget({ tenantIds: [id] });
    return deletedAt ?? tenantNotFound();
  }
}

function tenantNotFound(): never {
  throw notFound('Tenant');
}
