import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify';
import { formatId, newUuid, parseId } from '#kernel/ids';
import { AppError } from '#kernel/app-error';
import type { Logger } from '#observability/logger';
import { asAppError, errorBody } from '../../http/error-body';
import type { Answer } from './answers';
import type { EndpointAddress } from './endpoint-cache';
import type { Incoming, Receiver } from './receiver';

const METHODS = ['GET', 'HEAD', 'POST', 'PUT', 'PATCH', 'DELETE', 'OPTIONS'];

interface Options {
  maxBodyBytes: number;
  /** Whether `/hooks/{id}` is there too. */
  hooks: boolean;
  logger: Logger;
}

/**
 * Where outside systems post to: beside Nest's routes rather than through them, since bodies of every type are taken as
 * raw bytes, without a token, and the answer is the endpoint's own.
 */
export function useReceiveRoutes(fastify: FastifyInstance, receiver: Receiver, options: Options): void {
  void fastify.register((scope, _options, done) => {
    scope.removeAllContentTypeParsers();
    scope.addContentTypeParser(
      '*',
      { parseAs: 'buffer', bodyLimit: options.maxBodyBytes },
      (_request, body, parsed) => {
        parsed(null, body);
      },
    );
    scope.setErrorHandler((error, request, reply) => answerError(error, request, reply, receiver, options.logger));
    const route = { method: METHODS, exposeHeadRoute: false, bodyLimit: options.maxBodyBytes };
    const handler = async (request: FastifyRequest, reply: FastifyReply): Promise<FastifyReply> => {
      const { address, name } = addressOf(request);
      return send(reply, await receiver.receive(address, name, toIncoming(request)));
    };
    scope.route({ ...route, url: '/webhooks/:key/:name', handler });
    if (options.hooks) scope.route({ ...route, url: '/hooks/*', handler });
    done();
  });
}

function addressOf(request: FastifyRequest): { address: EndpointAddress; name: string | null } {
  const params = request.params as { key?: string; name?: string; '*'?: string };
  return params.key === undefined
    ? { address: { hookId: params['*'] ?? '' }, name: null }
    : { address: { key: params.key }, name: params.name ?? '' };
}

function toIncoming(request: FastifyRequest): Incoming {
  const [path = '', ...query] = request.url.split('?');
  return {
    // The same id as in X-Request-Id.
    id: parseId('req', request.id) ?? newUuid(Date.now()),
    method: request.method,
    path,
    queryText: query.join('?'),
    headers: request.headers,
    query: request.query as Incoming['query'],
    body: Buffer.isBuffer(request.body) ? request.body : Buffer.alloc(0),
    ip: request.clientIp,
    receivedAt: new Date(),
  };
}

function send(reply: FastifyReply, { status, headers, body }: Answer): FastifyReply {
  // As bytes, since what is JSON already must not be made into JSON.
  return reply
    .code(status)
    .headers(headers)
    .send(status === 204 ? undefined : Buffer.from(body));
}

async function answerError(
  error: unknown,
  request: FastifyRequest,
  reply: FastifyReply,
  receiver: Receiver,
  logger: Logger,
): Promise<FastifyReply> {
  const known = asAppError(error);
  if (known?.status === 413) {
    const { address, name } = addressOf(request);
    const answer = await receiver
      .refuseOversized(address, name, toIncoming(request))
      .catch((failure: unknown) => failure);
    // What is left of the body is not read.
    void reply.header('connection', 'close');
    if (!(answer instanceof Error)) return send(reply, answer as Answer);
    return sendError(reply, asAppError(answer) ?? known, request.id);
  }
  if (known === null) logger.error({ request_id: request.id, err: error }, 'an inbound request failed unexpectedly');
  return sendError(reply, known ?? new AppError(500, 'internal_error', 'Something went wrong on our side'), request.id);
}

function sendError(reply: FastifyReply, error: AppError, requestId: string): FastifyReply {
  if (error.retryAfterSeconds !== undefined) void reply.header('retry-after', error.retryAfterSeconds);
  void reply.headers(error.headers).header('content-type', 'application/json; charset=utf-8');
  const id = parseId('req', requestId);
  return reply
    .code(error.status)
    .send(Buffer.from(JSON.stringify(errorBody(error, id === null ? requestId : formatId('req', id)))));
}
