import { createParamDecorator, type ExecutionContext } from '@nestjs/common';
import type { FastifyRequest } from 'fastify';

declare module 'fastify' {
  interface FastifyRequest {
    /** The body byte for byte as it was received; null where there was none. */
    rawBody: Buffer | null;
  }
}

/** The received body, byte for byte; empty where there was none. */
export const RawBody = createParamDecorator((_data: unknown, context: ExecutionContext): Buffer => {
  return context.switchToHttp().getRequest<FastifyRequest>().rawBody ?? Buffer.alloc(0);
});
