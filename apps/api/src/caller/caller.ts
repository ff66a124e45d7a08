import { createParamDecorator, type ExecutionContext } from '@nestjs/common';
import type { FastifyRequest } from 'fastify';
import type { TenantLimits } from '#database/entities/tenant.entity';

/** Whom a token stands for: its tenant and user, as the token cache knows them. */
export interface TokenHolder {
  readonly tenantId: string;
  readonly userId: string;
  readonly tokenId: string;
  /** A token bound to a project sees this project only; null: it sees the whole tenant. */
  readonly projectId: string | null;
  readonly scopes: readonly string[];
  readonly limits: TenantLimits;
  /** Of the tenant's event types; what is in memory of a lower version is out of date. */
  readonly eventTypesVersion: bigint;
}

/** Who makes a request, and from where. */
export interface Caller extends TokenHolder {
  readonly clientIp: string;
  readonly requestId: string;
}

declare module 'fastify' {
  interface FastifyRequest {
    /** Set by the authentication guard; null on public routes. */
    caller: Caller | null;
  }
}

/** The caller of a request to a route that is not public. */
export const CurrentCaller = createParamDecorator((_data: unknown, context: ExecutionContext): Caller => {
  const { caller } = context.switchToHttp().getRequest<FastifyRequest>();
  if (caller === null) throw new Error('CurrentCaller on a public route');
  return caller;
});
