import { isJsonObject } from '#event-schemas/json-schema';
import { STORABLE_TEXT } from '#kernel/storable-text';
import { refuseUnknown } from './read-settings';
import type { ErrorDetail } from '#kernel/app-error';

/** When the answer is what a command printed. */
export const COMMAND_OUTPUTS = ['never', 'on_success', 'always'] as const;

/** What an accepted request is answered, as it is stored; what is absent has its default. */
export interface ResponseSettings {
  status?: number;
  headers?: Record<string, string>;
  message?: string;
  wait?: boolean;
  wait_seconds?: number;
  command_output?: (typeof COMMAND_OUTPUTS)[number];
}

/** Requests within a time, over all API instances. */
export interface RateLimit {
  requests: number;
  per_seconds: number;
}

export const DEFAULT_WAIT_SECONDS = 10;
const MAX_WAIT_SECONDS = 25;
const MAX_MESSAGE_LENGTH = 10_000;
const MAX_HEADERS = 20;
const MAX_REQUESTS = 1_000_000;
const MAX_WINDOW_SECONDS = 3_600;
const HEADER_NAME = /^[!#$%&'*+.^_`|~0-9A-Za-z-]{1,128}$/;
const HEADER_VALUE = /^[\t\x20-\x7e]{0,4096}$/;
/** Of the connection, of the service's own, or able to change what a browser holds of the service's origin. */
const REFUSED_HEADERS =
  /^(connection|content-length|transfer-encoding|keep-alive|upgrade|trailer|te|date|set-cookie|content-security-policy|clear-site-data|strict-transport-security|service-worker-allowed|x-request-id|x-content-type-options|x-frame-options|refresh|location|www-authenticate)$/i;

/** Reads `response`; what is wrong is added to the problems. */
export function readResponse(given: unknown, problems: ErrorDetail[]): ResponseSettings {
  if (given === undefined || given === null) return {};
  const refuse = (name: string, message: string): void => void problems.push({ field: `response${name}`, message });
  if (!isJsonObject(given)) {
    refuse('', 'must be an object with status, headers, message, wait, wait_seconds and command_output');
    return {};
  }
  refuseUnknown(
    given,
    ['status', 'headers', 'message', 'wait', 'wait_seconds', 'command_output'],
    'response',
    problems,
  );
  const { status, headers, message, wait, wait_seconds: waitSeconds, command_output: output } = given;
  if (status !== undefined && !(isWithin(status, 200, 299) || isWithin(status, 400, 599))) {
    refuse('.status', 'must be a whole number from 200 to 299 or from 400 to 599');
  }
  const headerProblem = headers === undefined ? null : problemOfHeaders(headers);
  if (headerProblem !== null) refuse('.headers', headerProblem);
  if (
    message !== undefined &&
    (typeof message !== 'string' || message.length > MAX_MESSAGE_LENGTH || !STORABLE_TEXT.test(message))
  ) {
    refuse('.message', `must be a text of at most ${MAX_MESSAGE_LENGTH} characters, without U+0000`);
  }
  if (wait !== undefined && typeof wait !== 'boolean') refuse('.wait', 'must be true or false');
  if (waitSeconds !== undefined && !isWithin(waitSeconds, 1, MAX_WAIT_SECONDS)) {
    refuse('.wait_seconds', `must be a whole number from 1 to ${MAX_WAIT_SECONDS}`);
  }
  if (output !== undefined && !COMMAND_OUTPUTS.some((known) => known === output)) {
    refuse('.command_output', `must be one of ${COMMAND_OUTPUTS.join(', ')}`);
  } else if (output !== undefined && output !== 'never' && wait !== true) {
    refuse('.command_output', 'needs wait: true, since the output is not there before the command has run');
  }
  return given;
}

/** Reads `rate_limit`; null for none. */
export function readRateLimit(given: unknown, problems: ErrorDetail[]): RateLimit | null {
  if (given === undefined || given === null) return null;
  const message = `must be { "requests": 1 to ${MAX_REQUESTS}, "per_seconds": 1 to ${MAX_WINDOW_SECONDS} } or null for none`;
  if (!isJsonObject(given)) {
    problems.push({ field: 'rate_limit', message });
    return null;
  }
  refuseUnknown(given, ['requests', 'per_seconds'], 'rate_limit', problems);
  const { requests, per_seconds: perSeconds = 1 } = given;
  if (isWithin(requests, 1, MAX_REQUESTS) && isWithin(perSeconds, 1, MAX_WINDOW_SECONDS)) {
    return { requests: Number(requests), per_seconds: Number(perSeconds) };
  }
  problems.push({ field: 'rate_limit', message });
  return null;
}

function problemOfHeaders(given: unknown): string | null {
  if (!isJsonObject(given)) return 'must be an object of names and texts';
  const entries = Object.entries(given);
  if (entries.length > MAX_HEADERS) return `must hold at most ${MAX_HEADERS} headers`;
  for (const [name, value] of entries) {
    const shown = JSON.stringify(name.slice(0, 64));
    if (!HEADER_NAME.test(name) || name === '__proto__') return `${shown} is not a valid header name`;
    if (REFUSED_HEADERS.test(name)) return `${shown} cannot be set`;
    if (typeof value !== 'string' || !HEADER_VALUE.test(value))
      return `${shown} must be a text of ASCII without line breaks`;
  }
  return null;
}

function isWithin(value: unknown, min: number, max: number): boolean {
  return Number.isInteger(value) && Number(value) >= min && Number(value) <= max;
}
