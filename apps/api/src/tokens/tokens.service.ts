import { Inject, Injectable } from '@nestjs/common';
import { IsNull, type EntityManager, type FindOptionsWhere } from 'typeorm';
import { TenantEntity } from '#database/entities/tenant.entity';
import { TokenEntity } from '#database/entities/token.entity';
import { UserEntity } from '#database/entities/user.entity';
import { TenantDatabase } from '#database/tenant-database';
import { AppError, invalidRequest, notFound } from '#kernel/app-error';
import { formatId, newUuid, parseId } from '#kernel/ids';
import { recordAct } from '../audit-trail/record-act';
import type { Caller } from '../caller/caller';
import type { PageQuery } from '../http/page';
import { coversScope } from '../caller/scopes';
import type { CreateTokenDto } from './dto/create-token.dto';
import { TokenAuthenticator } from '../authentication/token-authenticator';
import { hashToken, newToken } from '../authentication/token-text';

/** Makes, lists and revokes the tokens of a tenant; a token bound to a project reaches those of its project only. */
@Injectable()
export class TokensService {
  constructor(
    @Inject(TenantDatabase) private readonly database: TenantDatabase,
    @Inject(TokenAuthenticator) private readonly authenticator: TokenAuthenticator,
  ) {}

  /** One page of the tokens that are not revoked, in the order of creation, and how many there are. */
  list(caller: Caller, page: PageQuery): Promise<[TokenEntity[], number]> {
    return this.database.run(caller.tenantId, (manager) =>
      manager.findAndCount(TokenEntity, {
        where: withinReach(caller),
        order: { id: 'ASC' },
        take: page.limit,
        skip: page.offset,
      }),
    );
  }

  /**
   * Makes a token that may do no more than the caller's; its text is answered here and never again.
   * @throws AppError 403 when it would reach further than the caller, 400 for an unknown user or a past expiry.
   */
  async create(caller: Caller, wanted: CreateTokenDto): Promise<{ token: TokenEntity; text: string }> {
    const projectId = refuseWidening(caller, wanted);
    if (wanted.expires_at !== undefined && wanted.expires_at.getTime() <= Date.now()) {
      throw invalidRequest([{ field: 'expires_at', message: 'must lie in the future' }]);
    }
    const userId = wanted.user_id === undefined ? caller.userId : parseId('user', wanted.user_id);
    const text = newToken();
    const token = await this.database.run(caller.tenantId, async (manager) => {
      const made: TokenEntity = {
        id: newUuid(Date.now()),
        tenantId: caller.tenantId,
        userId: await existingUser(manager, caller.tenantId, userId),
        name: wanted.name,
        hash: hashToken(text),
        scopes: wanted.scopes,
        projectId,
        expiresAt: wanted.expires_at ?? null,
        lastUsedAt: null,
        createdAt: new Date(),
        revokedAt: null,
      };
      await manager.insert(TokenEntity, made);
      await recordAct(manager, caller, {
        action: 'token.created',
        resource: { type: 'token', id: formatId('tok', made.id) },
        projectId,
        details: {
          scopes: made.scopes,
          user_id: formatId('user', made.userId),
          expires_at: made.expiresAt?.toISOString() ?? null,
        },
      });
      return made;
    });
    return { token, text };
  }

  /**
   * Revokes a token: here at once, on every other instance within a second.
   * @throws AppError 404, also when it is revoked already.
   */
  async revoke(caller: Caller, id: string): Promise<Date> {
    const revokedAt = await this.database.run(caller.tenantId, async (manager) => {
      const result = await manager
        .createQueryBuilder()
        .update(TokenEntity)
        // By the database's clock, which instances compare with when they look for changes.
        .set({ revokedAt: () => 'clock_timestamp()' })
        .where({ ...withinReach(caller), id })
        .returning('revoked_at, project_id')
        .execute();
      const revoked = (result.raw as { revoked_at: Date; project_id: string | null }[])[0];
      if (revoked === undefined) throw notFound('Token');
      await recordAct(manager, caller, {
        action: 'token.revoked',
        resource: { type: 'token', id: formatId('tok', id) },
        projectId: revoked.project_id,
      });
      return revoked.revoked_at;
    });
    this.authenticator.forget({ tokenIds: [id] });
    return revokedAt;
  }

  /** The caller's own tenant, user and token. */
  me(caller: Caller): Promise<{ tenant: TenantEntity; user: UserEntity; token: TokenEntity }> {
    const { tenantId } = caller;
    return this.database.run(tenantId, async (manager) => ({
      tenant: await manager.findOneByOrFail(TenantEntity, { id: tenantId }),
      user: await manager.findOneByOrFail(UserEntity, { tenantId, id: caller.userId }),
      token: await manager.findOneByOrFail(TokenEntity, { tenantId, id: caller.tokenId }),
    }));
  }
}

function withinReach({ tenantId, projectId }: Caller): FindOptionsWhere<TokenEntity> {
  return { tenantId, revokedAt: IsNull(), ...(projectId !== null && { projectId }) };
}

/** The project the new token is bound to. */
function refuseWidening(caller: Caller, { scopes, project_id }: CreateTokenDto): string | null {
  const missing = scopes.find((scope) => !coversScope(caller.scopes, scope));
  if (missing !== undefined) {
    throw new AppError(403, 'missing_scope', `The token lacks the scope ${missing} and so cannot grant it`);
  }
  const projectId = project_id ?? caller.projectId;
  if (caller.projectId !== null && projectId !== caller.projectId) {
    throw new AppError(403, 'project_token', 'A token bound to a project can only make tokens of the same project');
  }
  return projectId;
}

/** Locks the user until the commit, so that a deletion at the same time revokes the new token too. */
async function existingUser(manager: EntityManager, tenantId: string, id: string | null): Promise<string> {
  const where = { tenantId, id: id ?? '', deletedAt: IsNull() };
  const user = id === null ? null : await manager.findOne(UserEntity, { where, lock: { mode: 'pessimistic_read' } });
  if (user === null) throw invalidRequest([{ field: 'user_id', message: 'must be a user of the tenant' }]);
  return user.id;
}
