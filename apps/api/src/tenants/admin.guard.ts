import { timingSafeEqual } from 'node:crypto';
import { Inject, Injectable, NotFoundException, type CanActivate, type ExecutionContext } from '@nestjs/common';
import type { FastifyRequest } from 'fastify';
import { ENVIRONMENT } from '#config/config.module';
import type { Environment } from '#config/environment';
import { presentedToken } from '../http/presented-token';
import { unauthorized } from '../http/unauthorized';
import { hashToken } from '../tokens/token-text';

/** Lets only the operator in; without an ADMIN_TOKEN the operator API does not exist. */
@Injectable()
export class AdminGuard implements CanActivate {
  private readonly hash: Buffer | null;

  constructor(@Inject(ENVIRONMENT) { adminToken }: Environment) {
    this.hash = adminToken === null ? null : hashToken(adminToken);
  }

  /** @throws NotFoundException when the API is off, AppError 401 for any other token. */
  canActivate(context: ExecutionContext): boolean {
    if (this.hash === null) throw new NotFoundException();
    const presented = hashToken(presentedToken(context.switchToHttp().getRequest<FastifyRequest>()));
    // Of hashes, so that neither the length nor the first wrong character shows in the time it takes.
    if (timingSafeEqual(presented, this.hash)) return true;
    throw unauthorized('invalid_token', "The token is not the operator's", 'invalid_token');
  }
}
