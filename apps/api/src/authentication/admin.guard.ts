import { timingSafeEqual } from 'node:crypto';
import { Inject, Injectable, NotFoundException, type CanActivate, type ExecutionContext } from '@nestjs/common';
import type { FastifyRequest } from 'fastify';
import { ENVIRONMENT } from '#config/config.module';
import type { Environment } from '#config/environment';
import { Recently } from '../audit-trail/recently';
import { presentedToken } from './presented-token';
import { unauthorized } from './unauthorized';
import { FailedLogins } from './failed-logins';
import { hashToken } from './token-text';

const REMEMBERED_NETWORKS = 100;
const REMEMBERED_FOR_MS = 24 * 3_600_000;

/** Lets only the operator in; without an ADMIN_TOKEN the operator API does not exist. */
@Injectable()
export class AdminGuard implements CanActivate {
  private readonly hash: Buffer | null;
  /** Where the operator is, whom others who guess from there do not lock out. */
  private readonly letIn = new Recently(REMEMBERED_NETWORKS, REMEMBERED_FOR_MS);

  constructor(
    @Inject(ENVIRONMENT) { adminToken }: Environment,
    @Inject(FailedLogins) private readonly failedLogins: FailedLogins,
  ) {
    this.hash = adminToken === null ? null : hashToken(adminToken);
  }

  /** @throws NotFoundException when the API is off, AppError 401 for any other token, 429 after too many. */
  canActivate(context: ExecutionContext): boolean {
    if (this.hash === null) throw new NotFoundException();
    const request = context.switchToHttp().getRequest<FastifyRequest>();
    const network = request.clientNetwork;
    const presented = hashToken(presentedToken(request));
    if (network === null || !this.letIn.has(network, performance.now()))
      this.failedLogins.refuseSlowed(network, performance.now());
    // Of hashes, so that neither the length nor the first wrong character shows in the time it takes.
    if (timingSafeEqual(presented, this.hash)) {
      if (network !== null) this.letIn.note(network, performance.now());
      return true;
    }
    this.failedLogins.note(network, 'not_operator', performance.now());
    throw unauthorized('invalid_token', "The token is not the operator's", 'invalid_token');
  }
}
