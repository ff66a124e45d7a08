import type { Socket } from 'node:net';
import type { FastifyInstance, FastifyReply, FastifyRequest, FastifyServerOptions, RouteOptions } from 'fastify';
import { RouteConfig } from '@nestjs/platform-fastify';
import type { Environment } from '#config/environment';
import { formatId, newUuid } from '#kernel/ids';
import { AppError } from '#kernel/app-error';
import { asAppError, errorBody } from './error-body';

const BODY_LIMIT_BYTES = 1_048_576;
/** Longer than the 60 s after which common load balancers drop idle connections, so that they, not we, close first. */
const KEEP_ALIVE_TIMEOUT_MS = 72_000;
/** How long a client may take to send a whole request. */
const REQUEST_TIMEOUT_MS = 30_000;
const MAX_PARAM_LENGTH = 256;

/** How Fastify treats connections and requests. */
export const FASTIFY_OPTIONS: FastifyServerOptions = {
  logger: false,
  trustProxy: false,
  bodyLimit: BODY_LIMIT_BYTES,
  keepAliveTimeout: KEEP_ALIVE_TIMEOUT_MS,
  requestTimeout: REQUEST_TIMEOUT_MS,
  forceCloseConnections: 'idle',
  // A request on a connection that was open before the stop is still served.
  return503OnClosing: false,
  requestIdHeader: false,
  genReqId: newRequestId,
  clientErrorHandler: answerUnreadableRequest,
  frameworkErrors: answerUnroutableRequest,
  routerOptions: { maxParamLength: MAX_PARAM_LENGTH },
};

/** Lets the body of a route be larger (or only smaller) than the 1 MiB that others may have. */
export function BodyLimit(bytes: (environment: Environment) => number): MethodDecorator {
  return RouteConfig({ bodyLimitBytes: bytes });
}

/** Applies {@link BodyLimit}; to be called before any route is made. */
export function applyBodyLimits(fastify: FastifyInstance, environment: Environment): void {
  fastify.addHook('onRoute', (route: RouteOptions) => {
    const { bodyLimitBytes } = (route.config ?? {}) as { bodyLimitBytes?: (environment: Environment) => number };
    if (bodyLimitBytes !== undefined) route.bodyLimit = bodyLimitBytes(environment);
  });
}

function newRequestId(): string {
  return formatId('req', newUuid(Date.now()));
}

/** Paths that cannot be decoded; the router answers these before any hook runs. */
function answerUnroutableRequest(error: Error, request: FastifyRequest, reply: FastifyReply): void {
  const answer = asAppError(error) ?? new AppError(400, 'invalid_request', 'The path cannot be read');
  void reply.header('x-request-id', request.id).code(answer.status).send(errorBody(answer, request.id));
}

/** What never became a request: broken HTTP, headers that are too large or come too slowly. */
function answerUnreadableRequest(error: Error & { code?: string }, socket: Socket): void {
  if (error.code === 'ECONNRESET' || !socket.writable) {
    socket.destroy();
    return;
  }
  const answer =
    error.code === 'HPE_HEADER_OVERFLOW'
      ? new AppError(431, 'headers_too_large', 'The headers are too large')
      : error.code === 'ERR_HTTP_REQUEST_TIMEOUT'
        ? new AppError(408, 'request_timeout', 'The request did not arrive in time')
        : new AppError(400, 'malformed_request', 'The request is not valid HTTP');
  const body = JSON.stringify(errorBody(answer, newRequestId()));
  const head = `HTTP/1.1 ${answer.status} ${answer.code}\r\nContent-Type: application/json; charset=utf-8\r\n`;
  socket.end(`${head}Content-Length: ${Buffer.byteLength(body)}\r\nConnection: close\r\n\r\n${body}`);
}
