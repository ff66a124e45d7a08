import { parseBody } from '#inbound-rules/bodies/parse-body';
import { headerOf, type ValueMap } from '#inbound-rules/inbound-request';
import type { StepResult } from '#inbound-rules/verdict';
import { invalidRequest, type ErrorDetail } from '#kernel/app-error';
import { formatId } from '#kernel/ids';
import { parseInstant } from '#kernel/instants';
import type { ActionDefinition } from './action-definition';
import { shownResponse } from './answers';
import type { Endpoint } from './endpoint-definition';
import { camelKeys } from './field-names';
import type { RequestRow } from './storage/requests.queries';
import type { RunRow } from './storage/runs.queries';
import type { ActionInfo, ActionResult, LogEntry, LogQuery, WebhookAnswer, WebhookStatus } from './webhook-types';

const DEFAULT_LOG_LIMIT = 50;

export function actionInfo({ id, type, settings, condition, retryPolicy, functions }: ActionDefinition): ActionInfo {
  const { handler: _handler, function: _function, ...others } = settings;
  return {
    id: formatId('act', id),
    type,
    condition: (functions?.condition ?? null) === null ? condition : 'function',
    settings: { ...camelKeys(others), ...((functions?.action ?? null) !== null && { action: 'function' }) },
    retryPolicy,
  };
}

export function actionResult(run: RunRow): ActionResult {
  return {
    id: formatId('act', run.action_id),
    type: run.type,
    status: run.status as ActionResult['status'],
    attempts: run.attempts,
    result: run.result === null ? null : (JSON.parse(run.result) as unknown),
    error: run.error,
  };
}

/** @param showsPayload false where payloads are not to be kept: then not even one that actions still need is shown. */
export function logEntry(endpoint: Endpoint, row: RequestRow, runs: RunRow[], showsPayload: boolean): LogEntry {
  const answer = JSON.parse(row.response) as WebhookAnswer;
  const headers = JSON.parse(row.headers) as ValueMap;
  return {
    id: formatId('req', row.id),
    timestamp: new Date(row.received_at).toISOString(),
    status: row.status as WebhookStatus,
    statusCode: answer.statusCode,
    response: shownResponse(answer),
    payload: row.body === null || !showsPayload ? null : payloadOf(endpoint, headers, row.body),
    headers,
    ip: row.ip,
    method: row.method,
    test: row.is_test === 1,
    steps: JSON.parse(row.steps) as StepResult[],
    actions: runs.map(actionResult),
  };
}

/** As it was judged; what cannot be read is text. */
function payloadOf({ rules }: Endpoint, headers: ValueMap, body: Buffer): unknown {
  const parsed = parseBody(rules.contentType ?? headerOf({ headers }, 'content-type'), body);
  return 'payload' in parsed ? parsed.payload : body.toString('utf8');
}

/** @throws AppError 400 naming what is wrong. */
export function readLogQuery(
  { limit = DEFAULT_LOG_LIMIT, since = 0, status }: LogQuery,
  maxEntries: number,
): { limit: number; sinceMs: number; status: string | null } {
  const sinceMs = since instanceof Date ? since.getTime() : typeof since === 'string' ? parseInstant(since) : since;
  const problems: ErrorDetail[] = [];
  if (!Number.isInteger(limit) || limit < 1)
    problems.push({ field: 'limit', message: 'must be a whole number from 1' });
  if (sinceMs === null || !Number.isFinite(sinceMs)) {
    problems.push({ field: 'since', message: 'must be Unix milliseconds, a date or an ISO 8601 text' });
  }
  if (problems.length > 0) throw invalidRequest(problems);
  return { limit: Math.min(limit, maxEntries), sinceMs: Math.floor(sinceMs ?? 0), status: status ?? null };
}
