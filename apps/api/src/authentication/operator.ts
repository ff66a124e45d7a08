import { createParamDecorator, type ExecutionContext } from '@nestjs/common';
import type { FastifyRequest } from 'fastify';
import type { AuditActor } from '#database/audit-log.queries';

/** The operator as the audit trail names them. */
export type Operator = Extract<AuditActor, { kind: 'operator' }>;

/** The operator, who makes the request: a parameter of handlers behind the AdminGuard. */
export const CurrentOperator = createParamDecorator((_data: unknown, context: ExecutionContext): Operator => {
  const { clientIp, id } = context.switchToHttp().getRequest<FastifyRequest>();
  return { kind: 'operator', clientIp, requestId: id };
});
