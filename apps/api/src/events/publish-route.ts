import type { FastifyInstance, FastifyReply, FastifyRequest, RouteOptions } from 'fastify';
import type { Logger } from '#observability/logger';
import { answerError } from '../http/answer-error';
import type { AuthGuard, Handler } from '../authentication/auth.guard';
import { EventsController } from './events.controller';

const NO_BODY = Buffer.alloc(0);

/**
 * Takes `POST /api/events` past Nest's guards, pipes and interceptors, a dozen promises for each request: the route is
 * the controller's as any other, and so are the steps, but they are called by name. To be called before routes are made.
 */
export function usePublishRoute(
  fastify: FastifyInstance,
  controller: EventsController,
  guard: AuthGuard,
  logger: Logger,
): void {
  const { value: declared } = Object.getOwnPropertyDescriptor(EventsController.prototype, 'publish') as {
    value: Handler;
  };
  const publish = async (request: FastifyRequest, reply: FastifyReply): Promise<void> => {
    try {
      const admitted = guard.canCall(request, declared, EventsController);
      if (admitted !== true) await admitted;
      const { caller, body, rawBody, headers } = request;
      if (caller === null) throw new Error('A caller was admitted and is not there');
      const key = headers['idempotency-key'] as string | undefined;
      const event = await controller.publish(caller, body, rawBody ?? NO_BODY, reply, key);
      void reply.code(202).send(event);
    } catch (error) {
      answerError(error, request, reply, logger);
    }
  };
  fastify.addHook('onRoute', (route: RouteOptions) => {
    if (route.method === 'POST' && route.url === '/api/events') {
      route.handler = (request, reply) => void publish(request, reply);
    }
  });
}
