import type { FastifyInstance } from 'fastify';

/** The documentation's pages load from here only, and nobody may frame them. */
const PAGE_POLICY =
  "default-src 'self'; img-src 'self' data:; style-src 'self' 'unsafe-inline'; object-src 'none'; base-uri 'none'; frame-ancestors 'none'";

/** Whatever else a browser is made to show of ours: nothing in it runs, and nobody may frame it. */
const ANSWER_POLICY = "default-src 'none'; frame-ancestors 'none'; sandbox";
const HSTS = 'max-age=31536000';

/**
 * Every answer names its request, and tells browsers to make as little of it as they can.
 * @param publicUrl where it is https, browsers are told to stay with that.
 */
export function useResponseHeaders(fastify: FastifyInstance, publicUrl: string): void {
  const isHttps = publicUrl.startsWith('https:');
  fastify.addHook('onRequest', (request, reply, done) => {
    const isPage = request.url.startsWith('/docs');
    void reply
      .header('x-request-id', request.id)
      .header('x-content-type-options', 'nosniff')
      .header('content-security-policy', isPage ? PAGE_POLICY : ANSWER_POLICY)
      .header('referrer-policy', 'no-referrer');
    if (isHttps) void reply.header('strict-transport-security', HSTS);
    done();
  });
}
