import { Inject, Injectable, type CanActivate, type ExecutionContext } from '@nestjs/common';
import { Reflector } from '@nestjs/core';
import type { FastifyRequest } from 'fastify';
import { AppError } from '#kernel/app-error';
import { PUBLIC_ROUTE } from '#observability/public-route';
import { TokenAuthenticator } from '../tokens/token-authenticator';
import type { TokenHolder } from './caller';
import { presentedToken } from './presented-token';
import { REQUIRED_SCOPES } from './require-scopes';
import { coversScope, type Scope } from './scopes';

interface RouteAccess {
  isPublic: boolean;
  scopes: readonly Scope[];
}

/** Authenticates every request that is not to a public route, and checks the scopes the route requires. */
@Injectable()
export class AuthGuard implements CanActivate {
  /** What each handler requires; reading decorators costs more than the rest of the guard. */
  private readonly accessOf = new WeakMap<object, RouteAccess>();

  constructor(
    @Inject(Reflector) private readonly reflector: Reflector,
    @Inject(TokenAuthenticator) private readonly tokens: TokenAuthenticator,
  ) {}

  /** @throws AppError 401 for a missing or bad token, 429 for too many, 403 for a missing scope, 503 when tokens cannot be looked up. */
  canActivate(context: ExecutionContext): boolean | Promise<boolean> {
    const access = this.access(context);
    if (access.isPublic) return true;
    const request = context.switchToHttp().getRequest<FastifyRequest>();
    const caller = this.tokens.authenticate(presentedToken(request), {
      clientIp: request.clientIp,
      network: request.clientNetwork,
      requestId: request.id,
    });
    if (caller instanceof Promise) return caller.then((found) => admit(request, found, access.scopes));
    return admit(request, caller, access.scopes);
  }

  private access(context: ExecutionContext): RouteAccess {
    const handler = context.getHandler();
    let access = this.accessOf.get(handler);
    if (access === undefined) {
      const targets = [handler, context.getClass()];
      access = {
        isPublic: this.reflector.getAllAndOverride<boolean | undefined>(PUBLIC_ROUTE, targets) ?? false,
        scopes: this.reflector.getAllAndOverride<Scope[] | undefined>(REQUIRED_SCOPES, targets) ?? [],
      };
      this.accessOf.set(handler, access);
    }
    return access;
  }
}

function admit(request: FastifyRequest, holder: TokenHolder, scopes: readonly Scope[]): true {
  const missing = scopes.find((scope) => !coversScope(holder.scopes, scope));
  if (missing !== undefined) throw new AppError(403, 'missing_scope', `The token lacks the scope ${missing}`);
  request.caller = { ...holder, clientIp: request.clientIp, requestId: request.id };
  return true;
}
