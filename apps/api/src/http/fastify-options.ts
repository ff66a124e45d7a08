import type { Server } from 'node:http';
import type { Socket } from 'node:net';
import type { FastifyHttpOptions, FastifyInstance, FastifyReply, FastifyRequest, RouteOptions } from 'fastify';
import { RouteConfig } from '@nestjs/platform-fastify';
import type { Environment } from '#config/environment';
import { formatId, newUuid } from '#kernel/ids';
import { AppError } from '#kernel/app-error';
import { asAppError, errorBody } from './error-body';

const MAX_PARAM_LENGTH = 256;
/** How often Node looks for connections that are over their deadlines: so much later they may end. */
const CHECK_DEADLINES_MS = 500;

/** How Fastify treats connections and requests. */
export function fastifyOptions(environment: Environment): FastifyHttpOptions<Server> {
  return {
    logger: false,
    trustProxy: false,
    bodyLimit: environment.maxRequestBytes,
    keepAliveTimeout: environment.keepAliveTimeoutMs,
    maxRequestsPerSocket: environment.maxRequestsPerConnection,
    requestTimeout: environment.requestTimeoutMs,
    http: {
      maxHeaderSize: environment.maxHeaderBytes,
      headersTimeout: Math.min(environment.headersTimeoutMs, environment.requestTimeoutMs),
      connectionsCheckingInterval: CHECK_DEADLINES_MS,
    },
    forceCloseConnections: 'idle',
    // A request on a connection that was open before the stop is still served.
    return503OnClosing: false,
    requestIdHeader: false,
    genReqId: newRequestId,
    clientErrorHandler: answerUnreadableRequest,
    frameworkErrors: answerUnroutableRequest,
    routerOptions: { maxParamLength: MAX_PARAM_LENGTH },
  };
}

/** Lets the body of a route be larger (or only smaller) than MAX_REQUEST_BYTES, which others may have. */
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
  if (error.code === 'ERR_HTTP_REQUEST_TIMEOUT' && socket.bytesRead === 0) {
    // Opened in advance and not used: an answer nobody asked for could be taken for that to the first request.
    socket.end();
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
