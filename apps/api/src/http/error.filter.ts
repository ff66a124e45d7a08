import { Catch, Inject, NotFoundException, type ArgumentsHost, type ExceptionFilter } from '@nestjs/common';
import type { FastifyReply, FastifyRequest } from 'fastify';
import { notFound } from '#kernel/app-error';
import type { Logger } from '#observability/logger';
import { LOGGER } from '#observability/observability.module';
import { answerError } from './answer-error';

/** Answers what Nest's routes throw, see {@link answerError}. */
@Catch()
export class ErrorFilter implements ExceptionFilter {
  constructor(@Inject(LOGGER) private readonly logger: Logger) {}

  catch(thrown: unknown, host: ArgumentsHost): void {
    const http = host.switchToHttp();
    const request = http.getRequest<FastifyRequest>();
    const reply = http.getResponse<FastifyReply>();
    const known = thrown instanceof NotFoundException ? notFound(`${request.method} ${pathOf(request)}`) : thrown;
    answerError(known, request, reply, this.logger);
  }
}

function pathOf(request: FastifyRequest): string {
  return request.url.split('?', 1)[0] ?? '';
}
