import { Inject, Injectable } from '@nestjs/common';
import { IsNull } from 'typeorm';
import { TokenEntity } from '#database/entities/token.entity';
import { UserEntity } from '#database/entities/user.entity';
import { TenantDatabase } from '#database/tenant-database';
import { AppError, conflict, notFound } from '#kernel/app-error';
import { formatId, newUuid } from '#kernel/ids';
import { recordAct, type Act } from '../audit-trail/record-act';
import type { Caller } from '../caller/caller';
import type { PageQuery } from '../http/page';
import { TokenAuthenticator } from '../authentication/token-authenticator';
import type { CreateUserDto } from './dto/create-user.dto';

/** The people of a tenant, whom its tokens belong to. */
@Injectable()
export class UsersService {
  constructor(
    @Inject(TenantDatabase) private readonly database: TenantDatabase,
    @Inject(TokenAuthenticator) private readonly authenticator: TokenAuthenticator,
  ) {}

  /** One page in the order of creation, and how many there are. */
  list(tenantId: string, page: PageQuery): Promise<[UserEntity[], number]> {
    return this.database.run(tenantId, (manager) =>
      manager.findAndCount(UserEntity, {
        where: { tenantId, deletedAt: IsNull() },
        order: { id: 'ASC' },
        take: page.limit,
        skip: page.offset,
      }),
    );
  }

  /** @throws AppError 404. */
  async get(tenantId: string, id: string): Promise<UserEntity> {
    const user = await this.database.run(tenantId, (manager) =>
      manager.findOneBy(UserEntity, { tenantId, id, deletedAt: IsNull() }),
    );
    if (user === null) throw notFound('User');
    return user;
  }

  /** @throws AppError 403 for a token bound to a project. */
  async create(caller: Caller, { name, email }: CreateUserDto): Promise<UserEntity> {
    refuseProjectToken(caller);
    const { tenantId } = caller;
    const user: UserEntity = {
      id: newUuid(Date.now()),
      tenantId,
      name,
      email: email ?? null,
      createdAt: new Date(),
      deletedAt: null,
    };
    await this.database.run(tenantId, async (manager) => {
      await manager.insert(UserEntity, user);
      await recordAct(manager, caller, { action: 'user.created', resource: userResource(user.id) });
    });
    return user;
  }

  /**
   * Deletes a user and revokes their tokens.
   * @throws AppError 403 for a token bound to a project, 404, 409 for the caller's own user.
   */
  async delete(caller: Caller, id: string): Promise<Date> {
    refuseProjectToken(caller);
    const { tenantId } = caller;
    if (id === caller.userId) throw conflict('own_user', 'The user whose token makes the request cannot be deleted');
    const deletedAt = new Date();
    const tokenIds = await this.database.run(tenantId, async (manager) => {
      const { affected } = await manager.update(UserEntity, { tenantId, id, deletedAt: IsNull() }, { deletedAt });
      if (affected !== 1) throw notFound('User');
      const tokens = { tenantId, userId: id, revokedAt: IsNull() };
      const revoked = await manager.find(TokenEntity, { select: { id: true, projectId: true }, where: tokens });
      // By the database's clock, which instances compare with when they look for changes.
      await manager.update(TokenEntity, tokens, { revokedAt: () => 'clock_timestamp()' });
      await recordAct(
        manager,
        caller,
        { action: 'user.deleted', resource: userResource(id) },
        ...revoked.map((token) => ({
          action: 'token.revoked' as const,
          resource: { type: 'token' as const, id: formatId('tok', token.id) },
          projectId: token.projectId,
          details: { reason: 'Its user was deleted' },
        })),
      );
      return revoked.map((token) => token.id);
    });
    this.authenticator.forget({ tokenIds });
    return deletedAt;
  }
}

function userResource(id: string): Act['resource'] {
  return { type: 'user', id: formatId('user', id) };
}

/** Users belong to the tenant as a whole, which a token bound to a project does not reach. */
function refuseProjectToken(caller: Caller): void {
  if (caller.projectId !== null)
    throw new AppError(403, 'project_token', 'A token bound to a project cannot change users');
}
