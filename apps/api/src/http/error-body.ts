import { STATUS_CODES } from 'node:http';
import { HttpException } from '@nestjs/common';
import { AppError, type ErrorDetail } from '#kernel/app-error';
import { databaseAway, isDatabaseAway } from '#database/database-errors';

/** The one shape of every error; see `ErrorResponse` for its documentation. */
export interface ErrorBody {
  statusCode: number;
  code: string;
  message: string;
  details: ErrorDetail[];
  request_id: string;
}

/** SQLSTATEs of text the database cannot hold (a NUL): wrong input that slipped through validation. */
const UNSTORABLE_TEXT = new Set(['22021', '22P05']);

const FASTIFY_ERRORS: Record<string, [status: number, code: string, message: string]> = {
  FST_ERR_CTP_BODY_TOO_LARGE: [413, 'payload_too_large', 'The body is too large'],
  FST_ERR_CTP_INVALID_MEDIA_TYPE: [415, 'unsupported_media_type', 'The body must be of type application/json'],
  FST_ERR_CTP_INVALID_CONTENT_LENGTH: [400, 'invalid_request', 'The body is not as long as Content-Length says'],
  FST_ERR_BAD_URL: [400, 'invalid_request', 'The path is not a valid URL'],
  FST_ERR_MAX_PARAM_LENGTH: [404, 'not_found', 'Not found'],
};

const CODES: Record<number, string> = {
  400: 'invalid_request',
  401: 'unauthorized',
  403: 'forbidden',
  404: 'not_found',
};

/** Any thrown value as the AppError that the client is told; null when it is none of the client's business. */
export function asAppError(thrown: unknown): AppError | null {
  if (thrown instanceof AppError) return thrown;
  if (isDatabaseAway(thrown)) return databaseAway(thrown);
  const code = errorCode(thrown);
  if (code !== null && UNSTORABLE_TEXT.has(code)) {
    return new AppError(400, 'invalid_request', 'Text must not contain the character U+0000', { cause: thrown });
  }
  const known = code === null ? undefined : FASTIFY_ERRORS[code];
  if (known !== undefined) return new AppError(...known);
  const status =
    thrown instanceof HttpException ? thrown.getStatus() : code?.startsWith('FST_') ? statusOf(thrown) : 500;
  if (status >= 500) return null;
  return new AppError(status, CODES[status] ?? codeOf(status), STATUS_CODES[status] ?? 'The request was refused');
}

export function errorBody(error: AppError, requestId: string): ErrorBody {
  return {
    statusCode: error.status,
    code: error.code,
    message: error.message,
    details: error.details,
    request_id: requestId,
  };
}

function errorCode(thrown: unknown): string | null {
  if (!(thrown instanceof Error)) return null;
  const { code } = thrown as { code?: unknown };
  return typeof code === 'string' ? code : null;
}

function statusOf(thrown: unknown): number {
  const { statusCode } = thrown as { statusCode?: unknown };
  return typeof statusCode === 'number' && statusCode >= 400 ? statusCode : 500;
}

/** `Method Not Allowed` as `method_not_allowed`. */
function codeOf(status: number): string {
  return (STATUS_CODES[status] ?? 'refused').toLowerCase().replaceAll(/[^a-z]+/g, '_');
}
