import type { FastifyRequest } from 'fastify';
import { unauthorized } from './unauthorized';

const BEARER = /^Bearer +([^\s]+) *$/i;

/** The token of a request (RFC 6750). @throws AppError 401 when there is none. */
export function presentedToken(request: FastifyRequest): string {
  const { authorization } = request.headers;
  if (authorization === undefined) {
    throw unauthorized('missing_token', 'The header "Authorization: Bearer <token>" is required', null);
  }
  const token = BEARER.exec(authorization)?.[1];
  if (token === undefined) {
    throw unauthorized('invalid_token', 'The Authorization header must be "Bearer <token>"', 'invalid_request');
  }
  return token;
}
