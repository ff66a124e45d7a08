import { getSchemaPath } from '@nestjs/swagger';
import { ErrorResponse } from './error-response';
import type { Operation, OperationObject } from './openapi-operations';

type ResponseOrRef = NonNullable<OperationObject['responses'][string]>;
type Response = Exclude<ResponseOrRef, { $ref: string }>;

interface KnownError {
  /** Of the component that operations refer to. */
  name: string;
  description: string;
  code: string;
  message: string;
  details?: { field: string; message: string }[];
  headers?: Response['headers'];
}

const RETRY_AFTER = { 'Retry-After': { description: 'Seconds', schema: { type: 'integer', example: 1 } } } as const;
const RATE_LIMIT = {
  ...RETRY_AFTER,
  'RateLimit-Limit': { description: 'What is allowed in the time', schema: { type: 'integer', example: 100 } },
  'RateLimit-Remaining': { description: 'What is left of it', schema: { type: 'integer', example: 0 } },
  'RateLimit-Reset': { description: 'Seconds until it begins anew', schema: { type: 'integer', example: 1 } },
} as const;
const CHALLENGE = {
  'WWW-Authenticate': {
    description: 'RFC 6750, section 3',
    schema: { type: 'string', example: 'Bearer realm="webhooks", error="invalid_token"' },
  },
} as const;

const KNOWN_ERRORS: Record<string, KnownError> = {
  400: {
    name: 'BadRequest',
    description: 'Something in the request is not valid',
    code: 'invalid_request',
    message: 'url: must be an http or https URL',
    details: [{ field: 'url', message: 'must be an http or https URL' }],
  },
  401: {
    name: 'Unauthorized',
    description: 'No token, or one that is not valid',
    code: 'invalid_token',
    message: 'The token is not valid',
    headers: CHALLENGE,
  },
  403: {
    name: 'Forbidden',
    description: 'The token may not do this',
    code: 'missing_scope',
    message: 'The token lacks the scope webhooks:write',
  },
  404: { name: 'NotFound', description: 'It does not exist', code: 'not_found', message: 'Webhook not found' },
  409: {
    name: 'Conflict',
    description: 'Its state does not allow this',
    code: 'conflict',
    message: 'The webhook is inactive',
  },
  410: {
    name: 'Gone',
    description: 'It is no longer kept',
    code: 'payload_gone',
    message: 'The payload of this delivery is no longer kept',
  },
  413: {
    name: 'PayloadTooLarge',
    description: 'The body is too large',
    code: 'payload_too_large',
    message: 'The body is too large',
  },
  415: {
    name: 'UnsupportedMediaType',
    description: 'The body is not of type application/json',
    code: 'unsupported_media_type',
    message: 'The body must be of type application/json',
  },
  422: {
    name: 'UnprocessableContent',
    description: 'Well-formed, but not acceptable',
    code: 'idempotency_mismatch',
    message: 'The Idempotency-Key was used before with another body',
  },
  429: {
    name: 'TooManyRequests',
    description: 'Beyond a limit of the tenant, or too many refused tokens from the address',
    code: 'rate_limited',
    message: 'Too many events per second',
    headers: RATE_LIMIT,
  },
  503: {
    name: 'Unavailable',
    description: 'The service cannot do it now; nothing was changed, try again',
    code: 'unavailable',
    message: 'The service is temporarily unavailable',
    headers: RETRY_AFTER,
  },
  default: {
    name: 'Failure',
    description: 'Any other failure',
    code: 'internal_error',
    message: 'Something went wrong on our side',
  },
};

const ALWAYS = ['503', 'default'];
const WITH_INPUT = ['400'];
const WITH_BODY = ['413', '415'];

/** The errors as components, which operations refer to that have no more to say of them. */
export const ERROR_RESPONSES: Record<string, Response> = Object.fromEntries(
  Object.entries(KNOWN_ERRORS).map(([status, error]) => [error.name, responseOf(status, error, error.description)]),
);

/**
 * Gives an operation the errors that follow from its shape: those of a body, of parameters, and those that every
 * operation has. What its controller says of an error stays, in the same shape.
 */
export function completeErrors({ method, operation }: Operation): void {
  const hasInput = method !== 'get' || (operation.parameters ?? []).length > 0;
  const expected = [
    ...(hasInput ? WITH_INPUT : []),
    ...(operation.requestBody === undefined ? [] : WITH_BODY),
    ...ALWAYS,
  ];
  const responses: Record<string, ResponseOrRef> = {};
  for (const status of new Set([...Object.keys(operation.responses), ...expected])) {
    const given = operation.responses[status];
    const known = KNOWN_ERRORS[status];
    if (known !== undefined) responses[status] = errorOf(status, known, given);
    else if (given !== undefined) responses[status] = given;
  }
  // Statuses are integer keys, so JavaScript puts them in order and `default` behind them.
  operation.responses = responses;
}

function errorOf(status: string, known: KnownError, given: ResponseOrRef | undefined): ResponseOrRef {
  const description = given === undefined || '$ref' in given ? '' : given.description;
  return description === '' || description === known.description
    ? { $ref: `#/components/responses/${known.name}` }
    : responseOf(status, known, description);
}

function responseOf(status: string, { code, message, details, headers }: KnownError, description: string): Response {
  const statusCode = status === 'default' ? 500 : Number(status);
  const example = { statusCode, code, message, details: details ?? [], request_id: 'req_01k9zq5v7c2m8x4r6t0w3y5b7d' };
  return {
    description,
    ...(headers !== undefined && { headers }),
    content: { 'application/json': { schema: { $ref: getSchemaPath(ErrorResponse) }, example } },
  };
}
