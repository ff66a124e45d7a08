import { AppError } from '#kernel/app-error';

/** 401 with the challenge of RFC 6750, section 3; no error is named to who presented no token. */
export function unauthorized(
  code: string,
  message: string,
  error: 'invalid_request' | 'invalid_token' | null,
): AppError {
  const challenge = `Bearer realm="webhooks"${error === null ? '' : `, error="${error}"`}`;
  return new AppError(401, code, message, { headers: { 'www-authenticate': challenge } });
}
