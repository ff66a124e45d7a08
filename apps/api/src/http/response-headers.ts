import type { FastifyInstance } from 'fastify';

/** The documentation's pages load from here only, and nobody may frame them. */
const PAGE_POLICY =
  "default-src 'self'; img-src 'self' data:; style-src 'self' 'unsafe-inline'; object-src 'none'; base-uri 'none'; frame-ancestors 'none'";

/** Every answer names its request; pages carry their security policy. */
export function useResponseHeaders(fastify: FastifyInstance): void {
  fastify.addHook('onRequest', (request, reply, done) => {
    void reply.header('x-request-id', request.id).header('x-content-type-options', 'nosniff');
    if (request.url.startsWith('/docs')) {
      void reply.header('content-security-policy', PAGE_POLICY).header('referrer-policy', 'no-referrer');
    }
    done();
  });
}
