import { Catch, Inject, NotFoundException, type ArgumentsHost, type ExceptionFilter } from '@nestjs/common';
import type { FastifyReply, FastifyRequest } from 'fastify';
import { AppError, notFound } from '#kernel/app-error';
import type { Logger } from '#observability/logger';
import { LOGGER } from '#observability/observability.module';
import { asAppError, errorBody } from './error-body';

/** Answers every failure in the one error shape; what is nobody's expected failure is logged and answered as a bare 500. */
@Catch()
export class ErrorFilter implements ExceptionFilter {
  constructor(@Inject(LOGGER) private readonly logger: Logger) {}

  catch(thrown: unknown, host: ArgumentsHost): void {
    const http = host.switchToHttp();
    const request = http.getRequest<FastifyRequest>();
    const reply = http.getResponse<FastifyReply>();
    const error =
      thrown instanceof NotFoundException ? notFound(`${request.method} ${pathOf(request)}`) : asAppError(thrown);
    if (error === null) this.logger.error({ request_id: request.id, err: thrown }, 'a request failed unexpectedly');
    if (reply.sent) return;
    const answer = error ?? new AppError(500, 'internal_error', 'Something went wrong on our side');
    if (answer.retryAfterSeconds !== undefined) void reply.header('retry-after', answer.retryAfterSeconds);
    void reply.headers(answer.headers).code(answer.status).send(errorBody(answer, request.id));
  }
}

function pathOf(request: FastifyRequest): string {
  return request.url.split('?', 1)[0] ?? '';
}
