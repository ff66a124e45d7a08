import { metadataOf } from '#inbound-actions/action-metadata';
import type { ActionFunction } from '#inbound-actions/action-functions';
import type { ActionRun } from '#inbound-actions/action-run';
import { defaultRetryPolicy } from '#inbound-actions/default-retry';
import { executeAction } from '#inbound-actions/execute-action';
import { judgeAttempt } from '#inbound-actions/judge-attempt';
import { compileCondition } from '#inbound-rules/condition';
import { contextValues, parseBody } from '#inbound-rules/bodies/parse-body';
import { contextOf } from '#inbound-rules/request-context';
import { headerOf, type InboundRequest, type ValueMap } from '#inbound-rules/inbound-request';
import type { ActionType } from '#inbound-rules/read-action-settings';
import { formatId, uuidTimeMs } from '#kernel/ids';
import { parse as parseQuery } from 'node:querystring';
import type { ActionDefinition, CallFunction, ConditionFunction } from './action-definition';
import type { EmbeddedPorts } from './action-ports';
import type { Endpoint } from './endpoint-definition';
import type { EndpointStore } from './endpoint-store';
import { findRequest, type RequestRow } from './storage/requests.queries';
import type { RunOutcome, RunRow } from './storage/runs.queries';
import type { Query } from './storage/sql-database';
import type { ActionCallMetadata, WebhookMetadata } from './webhook-types';

/** An action with functions that this process has not registered (yet) is looked at again after so long, */
const UNREGISTERED_WAIT_MS = 1_000;
/** and given up when nobody has registered it for a day. */
const UNREGISTERED_MAX_MS = 86_400_000;

/** Makes one attempt of one run: condition, execution, verdict. Never rejects but for the storage's failure. */
export async function runAction(
  { query, endpoints, ports }: { query: Query; endpoints: EndpointStore; ports: EmbeddedPorts },
  row: RunRow,
  signal: AbortSignal,
): Promise<RunOutcome> {
  const endpoint = await endpoints.findById(row.endpoint_id);
  if (endpoint === null) return ended(row, 'skipped', 'The webhook was deleted');
  const action = await endpoints.findAction(row.endpoint_id, row.action_id);
  if (action === null)
    return row.is_function === 1 ? unregistered(row) : ended(row, 'skipped', 'The action was removed');
  const request = await findRequest(query, row.request_id);
  if (request === null) return ended(row, 'failed', 'The request is no longer kept');
  const run = toActionRun(row, endpoint, request, signal);
  if (typeof run === 'string') return ended(row, 'failed', run);
  const refusal = await conditionRefusal(action, run);
  if (refusal !== null) return ended(row, 'skipped', refusal);
  const called = action.functions?.action ?? null;
  const outcome = await executeAction(
    ports.for(action.id, action.settings, called === null ? null : asActionFunction(called, run)),
    row.type as ActionType,
    action.settings,
    run,
  );
  const policy = action.retryPolicy ?? defaultRetryPolicy(action.type, action.settings);
  const { status, counts, delayMs, result, error } = judgeAttempt(outcome, policy, run.attempt, Math.random());
  return {
    status,
    attempts: counts ? run.attempt : row.attempts,
    dueAtMs: status === 'waiting' ? Date.now() + delayMs : row.due_at,
    result: result ?? row.result,
    error,
  };
}

/** What handlers and functions are told of a request. */
function metadataFor(run: ActionRun): WebhookMetadata {
  const { id, endpoint, method, ip, timestamp, test } = metadataOf(run);
  const { headers, query } = run.context;
  return { id, endpoint, method, ip, timestamp, headers, query, test };
}

/** Reads a stored request again as it was judged; what is wrong as text. */
function toActionRun(
  row: Pick<RunRow, 'id' | 'attempts' | 'result'>,
  endpoint: Endpoint,
  request: RequestRow,
  signal: AbortSignal,
): ActionRun | string {
  const received: InboundRequest = {
    method: request.method,
    headers: JSON.parse(request.headers) as ValueMap,
    query: parseQuery(request.query),
    body: request.body ?? Buffer.alloc(0),
    ip: request.ip,
    receivedAt: new Date(request.received_at),
  };
  const parsed = parseBody(endpoint.rules.contentType ?? headerOf(received, 'content-type'), received.body);
  if (!('payload' in parsed)) return `The body can no longer be read: ${parsed.message}`;
  const { id: endpointId, name } = endpoint.row;
  return {
    id: row.id,
    tenantId: '',
    attempt: row.attempts + 1,
    endpointId,
    receivedAt: received.receivedAt,
    isTest: request.is_test === 1,
    values: contextValues(received, parsed),
    context: contextOf(received, parsed.payload, { id: formatId('req', request.id), endpoint: name }),
    previous: row.result === null ? null : (JSON.parse(row.result) as unknown),
    signal,
  };
}

async function conditionRefusal({ condition, functions }: ActionDefinition, run: ActionRun): Promise<string | null> {
  const called = functions?.condition ?? null;
  if (called !== null) return functionRefusal(called, run);
  if (condition === null) return null;
  const compiled = compileCondition(condition, 'condition', []);
  if (compiled === null) return 'The condition cannot be read';
  const { isTrue, reason } = compiled(run.context);
  if (isTrue) return null;
  return reason === null ? 'The condition is false' : `The condition is false: ${reason}`;
}

async function functionRefusal(condition: ConditionFunction, run: ActionRun): Promise<string | null> {
  try {
    return (await condition(run.values.payload, metadataFor(run))) ? null : 'The condition is false';
  } catch (error) {
    return `The condition is false: ${error instanceof Error ? error.message : String(error)}`;
  }
}

function asActionFunction(called: CallFunction, run: ActionRun): ActionFunction {
  return (payload, context) => {
    const metadata: ActionCallMetadata = {
      ...metadataFor(run),
      runId: context.metadata.run_id,
      attempt: context.metadata.attempt,
      signal: context.signal,
    };
    return called(payload, metadata);
  };
}

function unregistered(row: RunRow): RunOutcome {
  const nowMs = Date.now();
  const ageMs = nowMs - uuidTimeMs(row.id);
  const text = 'No process has registered the function of this action';
  return ageMs > UNREGISTERED_MAX_MS
    ? ended(row, 'failed', text)
    : {
        status: 'waiting',
        attempts: row.attempts,
        dueAtMs: nowMs + UNREGISTERED_WAIT_MS,
        result: row.result,
        error: text,
      };
}

function ended(row: RunRow, status: 'failed' | 'skipped', error: string): RunOutcome {
  return { status, attempts: row.attempts, dueAtMs: row.due_at, result: null, error };
}
