import type { Budget } from '#accept/shared-budget';
import { AppError } from '#kernel/app-error';
import { formatId } from '#kernel/ids';
import type { Verdict } from '#inbound-rules/verdict';
import { errorBody } from '../../http/error-body';
import { budgetHeaders } from '../../events/publish-limits';
import type { ResponseSettings } from '#inbound-rules/response-settings';
import type { RunResult } from './run-results';

/** What a sender is answered. */
export interface Answer {
  status: number;
  headers: Record<string, string>;
  body: string;
}

const JSON_TYPE = { 'content-type': 'application/json; charset=utf-8' };
const TEXT_TYPE = { 'content-type': 'text/plain; charset=utf-8' };
const DEFAULT_STATUS = 200;
/** Of the service, whatever an endpoint has set: an endpoint's owner must not run scripts on the service's origin. */
const SAFETY = { 'content-security-policy': "default-src 'none'; sandbox", 'x-content-type-options': 'nosniff' };

/** An endpoint's configured answer, or in JSON what became of the request. */
export function acceptedAnswer(
  settings: ResponseSettings,
  requestId: string,
  status: 'accepted' | 'ignored' | 'duplicate' | 'processed',
  mismatchStatus?: number,
): Answer {
  const code = mismatchStatus ?? settings.status ?? DEFAULT_STATUS;
  if (settings.message !== undefined && status !== 'ignored') {
    return safe({ status: code, headers: { ...TEXT_TYPE, ...settings.headers }, body: settings.message });
  }
  const body = JSON.stringify({ status, id: formatId('req', requestId) });
  return safe({ status: code, headers: { ...settings.headers, ...JSON_TYPE }, body });
}

/** The answer of an endpoint that waits for its actions. @param results of those that were waited for. */
export function processedAnswer(settings: ResponseSettings, requestId: string, results: RunResult[] | null): Answer {
  // They go on, and the log will tell.
  if (results === null) {
    const body = JSON.stringify({ status: 'accepted', id: formatId('req', requestId) });
    return safe({ status: 202, headers: { ...settings.headers, ...JSON_TYPE }, body });
  }
  const output = settings.command_output ?? 'never';
  const failed = results.some(({ status }) => status !== 'succeeded' && status !== 'skipped');
  if (output !== 'never' && (!failed || output === 'always')) {
    const text = results.map(({ result }) => outputOf(result)).join('');
    return safe({
      status: failed ? 500 : (settings.status ?? DEFAULT_STATUS),
      headers: { ...TEXT_TYPE, ...settings.headers },
      body: text,
    });
  }
  if (!failed && settings.message !== undefined) return acceptedAnswer(settings, requestId, 'processed');
  const body = JSON.stringify({
    status: failed ? 'failed' : 'processed',
    id: formatId('req', requestId),
    results: results.map((run) => ({
      action_id: formatId('act', run.actionId),
      type: run.type,
      // Whatever will be tried again has failed for now.
      status: run.status === 'waiting' ? 'failed' : run.status,
      ...(run.type === 'custom' || run.type === 'execute' ? { result: run.result } : {}),
    })),
  });
  return safe({
    status: failed ? 500 : (settings.status ?? DEFAULT_STATUS),
    headers: { ...settings.headers, ...JSON_TYPE },
    body,
  });
}

/** What a refused sender is told: the verdict's own words, which help no forger, and nothing of its steps. */
export function refusedAnswer({ status, code, message, reply }: Verdict, requestId: string): Answer {
  return safe({
    status,
    headers: { ...reply?.headers, ...JSON_TYPE },
    body: JSON.stringify(errorBody(new AppError(status, code, message), formatId('req', requestId))),
  });
}

/** The answer to a request beyond the endpoint's limit. */
export function limitedAnswer(budget: Budget, requestId: string): Answer {
  const error = new AppError(429, 'rate_limited', 'Too many requests to this endpoint; please try again later');
  return safe({
    status: 429,
    headers: { ...budgetHeaders(budget), 'retry-after': String(budget.resetSeconds), ...JSON_TYPE },
    body: JSON.stringify(errorBody(error, formatId('req', requestId))),
  });
}

/** A fixed answer, such as that to a provider's challenge. */
export function plainAnswer(status: number, headers: Readonly<Record<string, string>>, body: string): Answer {
  return safe({ status, headers: { ...headers }, body });
}

/** What a command printed, where the run has that. */
function outputOf(result: unknown): string {
  if (typeof result === 'string') return result;
  const { output } = (typeof result === 'object' && result !== null ? result : {}) as { output?: unknown };
  return typeof output === 'string' ? output : '';
}

function safe({ status, headers, body }: Answer): Answer {
  return { status, headers: { ...headers, ...SAFETY }, body };
}
