import { Inject, Injectable, type CanActivate, type ExecutionContext, type Type } from '@nestjs/common';
import { Reflector } from '@nestjs/core';
import type { FastifyRequest } from 'fastify';
import { AppError } from '#kernel/app-error';
import { PUBLIC_ROUTE } from '#observability/public-route';
import { TokenAuthenticator } from './token-authenticator';
import type { Caller, TokenHolder } from '../caller/caller';
import { presentedToken } from './presented-token';
import { REQUIRED_SCOPES } from '../caller/require-scopes';
import { coversScope, type Scope } from '../caller/scopes';

/** A controller's method, as its decorators know it. */
export type Handler = ReturnType<ExecutionContext['getHandler']>;

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
    const access = this.access(context.getHandler(), context.getClass());
    const request = context.switchToHttp().getRequest<FastifyRequest>();
    return this.admit(request, access);
  }

  /** The same for a route that goes past Nest. @param handler whose decorators say who may call it. */
  canCall(request: FastifyRequest, handler: Handler, controller: Type): boolean | Promise<boolean> {
    return this.admit(request, this.access(handler, controller));
  }

  private admit(request: FastifyRequest, { isPublic, scopes }: RouteAccess): boolean | Promise<boolean> {
    if (isPublic) return true;
    const { clientIp, id: requestId } = request;
    const origin = { clientIp, network: request.clientNetwork, requestId };
    const holder = this.tokens.authenticate(presentedToken(request), origin);
    if (holder instanceof Promise) return holder.then((found) => admit(request, found, clientIp, scopes));
    return admit(request, holder, clientIp, scopes);
  }

  private access(handler: Handler, controller: Type): RouteAccess {
    let access = this.accessOf.get(handler);
    if (access === undefined) {
      const targets = [handler, controller];
      access = {
        isPublic: this.reflector.getAllAndOverride<boolean | undefined>(PUBLIC_ROUTE, targets) ?? false,
        scopes: this.reflector.getAllAndOverride<Scope[] | undefined>(REQUIRED_SCOPES, targets) ?? [],
      };
      this.accessOf.set(handler, access);
    }
    return access;
  }
}

function admit(request: FastifyRequest, holder: TokenHolder, clientIp: string, scopes: readonly Scope[]): true {
  const missing = scopes.find((scope) => !coversScope(holder.scopes, scope));
  if (missing !== undefined) throw new AppError(403, 'missing_scope', `The token lacks the scope ${missing}`);
  request.caller = callerOf(holder, clientIp, request.id);
  return true;
}

/** Field by field: copying a holder by `...` took 3 µs of every request. */
function callerOf(holder: TokenHolder, clientIp: string, requestId: string): Caller {
  const { tenantId, userId, tokenId, projectId, scopes, limits, eventTypesVersion } = holder;
  return { tenantId, userId, tokenId, projectId, scopes, limits, eventTypesVersion, clientIp, requestId };
}
