import type { FastifyPluginAsync } from 'fastify';
import { clientIp } from '#kernel/client-address';
import type { Mounted } from './mounted';

const METHODS = ['GET', 'HEAD', 'POST', 'PUT', 'PATCH', 'DELETE', 'OPTIONS'];

/** A plugin of Fastify: within it bodies stay the bytes that they are; the application's other routes do not notice. */
export function fastifyPlugin(mounted: Mounted): FastifyPluginAsync {
  return (fastify) => {
    fastify.removeAllContentTypeParsers();
    const limit = { parseAs: 'buffer' as const, bodyLimit: mounted.maxBodyBytes };
    fastify.addContentTypeParser('*', limit, (_request, body, done) => {
      done(null, body);
    });
    fastify.route<{ Params: { name: string } }>({
      method: METHODS,
      url: `${mounted.path}/:name`,
      handler: async (request, reply) => {
        const { statusCode, headers, body } = await mounted.receive(request.params.name, {
          method: request.method,
          headers: request.headers,
          query: request.query as Record<string, string | string[]>,
          body: Buffer.isBuffer(request.body) ? request.body : Buffer.alloc(0),
          ip: clientIp(request.raw.socket.remoteAddress, request.headers['x-forwarded-for'], mounted.trusted),
        });
        return reply.code(statusCode).headers(headers).send(body);
      },
    });
    return Promise.resolve();
  };
}
