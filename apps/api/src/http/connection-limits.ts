import type { IncomingMessage, Server, ServerResponse } from 'node:http';
import { isIP, type Socket } from 'node:net';
import type { FastifyInstance } from 'fastify';
import type { Environment } from '#config/environment';
import { AppError } from '#kernel/app-error';
import { toBlockList } from '#kernel/cidrs';
import type { Logger } from '#observability/logger';
import { plainAddress } from '#kernel/client-address';
import { clientNetwork } from './client-ip';

const SAY_AGAIN_MS = 60_000;

type Limits = Pick<
  Environment,
  'maxConnections' | 'maxConnectionsPerAddress' | 'maxPipelinedRequests' | 'maxHeaders' | 'trustedProxies'
>;

/**
 * Bounds what clients may keep open: connections, over all and by address (of a trusted proxy: any number), requests at
 * once on one connection, and headers of a request. Connections beyond are closed at once, before anything is read.
 */
export function useConnectionLimits(fastify: FastifyInstance, limits: Limits, logger: Logger): void {
  limitConnections(fastify.server, limits, logger);
  const underWay = new WeakMap<Socket, number>();
  // One function for all requests; an answer says it once.
  const ended = function (this: ServerResponse): void {
    const { socket } = this.req;
    underWay.set(socket, (underWay.get(socket) ?? 1) - 1);
  };
  fastify.addHook('onRequest', (request, reply, done) => {
    const { socket } = request.raw;
    const requests = (underWay.get(socket) ?? 0) + 1;
    underWay.set(socket, requests);
    reply.raw.on('close', ended);
    done(refusalOf(request.raw, requests, limits) ?? undefined);
  });
}

function refusalOf(request: IncomingMessage, requests: number, limits: Limits): AppError | null {
  if (request.rawHeaders.length / 2 > limits.maxHeaders) {
    return new AppError(431, 'headers_too_large', `A request may have ${limits.maxHeaders} headers`);
  }
  if (requests > limits.maxPipelinedRequests) {
    const message = `A connection may have ${limits.maxPipelinedRequests} requests under way at once`;
    return new AppError(429, 'too_many_pipelined', message, { retryAfterSeconds: 1, headers: { connection: 'close' } });
  }
  return null;
}

function limitConnections(server: Server, limits: Limits, logger: Logger): void {
  const trusted = toBlockList(limits.trustedProxies);
  const open = new Map<string, number>();
  let saidAtMs = -Infinity;
  const say = (message: string, fields: object): void => {
    if (performance.now() - saidAtMs < SAY_AGAIN_MS) return;
    saidAtMs = performance.now();
    logger.warn(fields, message);
  };
  server.maxConnections = limits.maxConnections;
  // By far more than a head can hold, since Node would leave out what is beyond without a word.
  server.maxHeadersCount = 0;
  server.on('drop', () => {
    say('connections are refused: there are MAX_CONNECTIONS', { max_connections: limits.maxConnections });
  });
  server.on('connection', (socket) => {
    const address = plainAddress(socket.remoteAddress ?? '');
    if (address === null || limits.maxConnectionsPerAddress === 0) return;
    if (trusted.check(address, isIP(address) === 4 ? 'ipv4' : 'ipv6')) return;
    const network = clientNetwork(address);
    const count = (open.get(network) ?? 0) + 1;
    if (count > limits.maxConnectionsPerAddress) {
      socket.destroy();
      say(
        'connections are refused: their address has MAX_CONNECTIONS_PER_ADDRESS; a proxy belongs into TRUSTED_PROXIES',
        {
          address,
          max_connections_per_address: limits.maxConnectionsPerAddress,
        },
      );
      return;
    }
    open.set(network, count);
    socket.once('close', () => {
      const left = (open.get(network) ?? 1) - 1;
      if (left === 0) open.delete(network);
      else open.set(network, left);
    });
  });
}
