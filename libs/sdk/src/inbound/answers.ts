import type { ResponseSettings } from '#inbound-rules/response-settings';
import type { Verdict } from '#inbound-rules/verdict';
import type { AppError } from '#kernel/app-error';
import { WebhookResponse, type WebhookAnswer, type WebhookStatus } from './webhook-types';

const JSON_TYPE = { 'content-type': 'application/json; charset=utf-8' };
const TEXT_TYPE = { 'content-type': 'text/plain; charset=utf-8' };
const DEFAULT_STATUS = 200;

/** What a handler gave back, or the configured answer where it gave nothing. */
export function handledAnswer(returned: unknown, settings: ResponseSettings, requestId: string): WebhookAnswer {
  const given =
    returned instanceof WebhookResponse ? returned : new WebhookResponse(settings.status ?? DEFAULT_STATUS, returned);
  if (given.body === undefined && !(returned instanceof WebhookResponse)) {
    return configuredAnswer(settings, requestId, 'accepted');
  }
  const isText = typeof given.body === 'string';
  return {
    statusCode: given.statusCode,
    headers: { ...(isText ? TEXT_TYPE : JSON_TYPE), ...settings.headers, ...lowerNames(given.headers) },
    body: given.body === undefined ? '' : isText ? String(given.body) : JSON.stringify(given.body),
  };
}

/** An endpoint's configured answer, or in JSON what became of the request. */
export function configuredAnswer(
  settings: ResponseSettings,
  requestId: string,
  status: WebhookStatus,
  mismatchStatus?: number,
): WebhookAnswer {
  const statusCode = mismatchStatus ?? settings.status ?? DEFAULT_STATUS;
  if (settings.message !== undefined && status !== 'ignored') {
    return { statusCode, headers: { ...TEXT_TYPE, ...lowerNames(settings.headers ?? {}) }, body: settings.message };
  }
  const body = JSON.stringify({ status, id: requestId });
  return { statusCode, headers: { ...lowerNames(settings.headers ?? {}), ...JSON_TYPE }, body };
}

/** What a refused sender is told: the verdict's own words, which help no forger. */
export function refusedAnswer({ status, code, message, reply }: Verdict, requestId: string): WebhookAnswer {
  return errorAnswer(status, code, message, requestId, reply?.headers);
}

/** In the form of the API's errors. */
export function errorAnswer(
  statusCode: number,
  code: string,
  message: string,
  requestId: string,
  headers: Readonly<Record<string, string>> = {},
): WebhookAnswer {
  const body = JSON.stringify({ statusCode, code, message, details: [], request_id: requestId });
  return { statusCode, headers: { ...headers, ...JSON_TYPE }, body };
}

export function appErrorAnswer(error: AppError, requestId: string): WebhookAnswer {
  const retry = error.retryAfterSeconds === undefined ? {} : { 'retry-after': String(error.retryAfterSeconds) };
  return errorAnswer(error.status, error.code, error.message, requestId, { ...error.headers, ...retry });
}

/** The body of an answer as it is shown: JSON as what it says, else the text. */
export function shownResponse({ headers, body }: WebhookAnswer): unknown {
  if (!/\bjson\b/.test(headers['content-type'] ?? '')) return body === '' ? null : body;
  try {
    return JSON.parse(body) as unknown;
  } catch {
    return body;
  }
}

function lowerNames(headers: Readonly<Record<string, string>>): Record<string, string> {
  return Object.fromEntries(Object.entries(headers).map(([name, value]) => [name.toLowerCase(), value]));
}
