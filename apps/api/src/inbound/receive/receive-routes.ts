import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify';
import { newUuid, parseId } from '#kernel/ids';
import type { Logger } from '#observability/logger';
import { answerError } from '../../http/answer-error';
import { asAppError } from '../../http/error-body';
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
    scope.setErrorHandler((error, request, reply) => answerFailure(error, request, reply, receiver, options.logger));
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

async function answerFailure(
  error: unknown,
  request: FastifyRequest,
  reply: FastifyReply,
  receiver: Receiver,
  logger: Logger,
): Promise<FastifyReply> {
  if (asAppError(error)?.status !== 413) {
    answerError(error, request, reply, logger);
    return reply;
  }
  // What is left of the body is not read.
  void reply.header('connection', 'close');
  const { address, name } = addressOf(request);
  try {
    send(reply, await receiver.refuseOversized(address, name, toIncoming(request)));
  } catch (failure) {
    answerError(asAppError(failure) ?? error, request, reply, logger);
  }
  return reply;
}
