import type { FastifyReply, FastifyRequest } from 'fastify';
import { AppError } from '#kernel/app-error';
import type { Logger } from '#observability/logger';
import { asAppError, errorBody } from './error-body';

/** Answers a failure in the one error shape; what is nobody's expected failure is logged and answered as a bare 500. */
export function answerError(thrown: unknown, request: FastifyRequest, reply: FastifyReply, logger: Logger): void {
  const error = asAppError(thrown);
  if (error === null) logger.error({ request_id: request.id, err: thrown }, 'a request failed unexpectedly');
  if (reply.sent) return;
  const answer = error ?? new AppError(500, 'internal_error', 'Something went wrong on our side');
  if (answer.retryAfterSeconds !== undefined) void reply.header('retry-after', answer.retryAfterSeconds);
  void reply.headers(answer.headers).code(answer.status).send(errorBody(answer, request.id));
}
