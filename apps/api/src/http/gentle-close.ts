import type { FastifyInstance } from 'fastify';

/**
 * Ends keep-alive connections with the answers that are still under way when the server begins to close: those that
 * are idle are closed at once, but one that is busy at that moment would stay open until its keep-alive runs out.
 */
export function useGentleClose(fastify: FastifyInstance): void {
  let closing = false;
  fastify.addHook('preClose', (done) => {
    closing = true;
    done();
  });
  fastify.addHook('onSend', (_request, reply, payload, done) => {
    if (closing) void reply.header('connection', 'close');
    done(null, payload);
  });
}
