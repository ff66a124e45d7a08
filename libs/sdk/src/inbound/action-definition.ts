import { defaultRetryPolicy } from '#inbound-actions/default-retry';
import { compileCondition } from '#inbound-rules/condition';
import { ACTION_TYPES, readActionSettings, type ActionType } from '#inbound-rules/read-action-settings';
import { invalidRequest, type ErrorDetail } from '#kernel/app-error';
import { BACKOFF_STRATEGIES, RETRY_POLICY_BOUNDS, type RetryPolicy } from '#webhook-rules/retry-policy';
import { derivedUuid, canonicalJson } from './canonical-json';
import { snakeKeys } from './field-names';
import type { ActionCallMetadata, Payload, WebhookAction, WebhookMetadata } from './webhook-types';

export type ConditionFunction = (payload: Payload, metadata: WebhookMetadata) => boolean | Promise<boolean>;
export type CallFunction = (payload: Payload, metadata: ActionCallMetadata) => unknown;

/** An action, read. */
export interface ActionDefinition {
  /** UUID, derived of all that the action is: adding the same action again adds nothing. */
  readonly id: string;
  readonly type: ActionType;
  /** As the executors of the service take them. */
  readonly settings: Readonly<Record<string, unknown>>;
  readonly condition: string | null;
  readonly retryPolicy: RetryPolicy | null;
  /** Null for an action that is settings only, which the storage keeps; functions live in the process. */
  readonly functions: { readonly condition: ConditionFunction | null; readonly action: CallFunction | null } | null;
}

/** @throws AppError 400 naming every field that is wrong and what is allowed there. */
export function readAction(endpointId: string, given: WebhookAction): ActionDefinition {
  const problems: ErrorDetail[] = [];
  const { type, condition, retryPolicy, name, action, ...rest } = given as WebhookAction & {
    action?: unknown;
    [field: string]: unknown;
  };
  if (!ACTION_TYPES.includes(type)) {
    throw invalidRequest([{ field: 'type', message: `must be one of ${ACTION_TYPES.join(', ')}` }]);
  }
  if (name !== undefined && (typeof name !== 'string' || name === '')) {
    problems.push({ field: 'name', message: 'must be a text' });
  }
  const hasFunctions = typeof condition === 'function' || action !== undefined;
  const id =
    name !== undefined && hasFunctions
      ? derivedUuid(endpointId, type, name)
      : derivedUuid(endpointId, canonicalJson(given));
  const settings = readSettings(id, type, action, rest, problems);
  if (typeof condition !== 'function' && condition !== undefined) compileCondition(condition, 'condition', problems);
  const policy = readRetry(type, settings, retryPolicy, problems);
  if (problems.length > 0) throw invalidRequest(problems);
  return {
    id,
    type,
    settings,
    condition: typeof condition === 'string' ? condition : null,
    retryPolicy: policy,
    functions: hasFunctions
      ? {
          condition: typeof condition === 'function' ? condition : null,
          action: typeof action === 'function' ? (action as CallFunction) : null,
        }
      : null,
  };
}

function readSettings(
  id: string,
  type: ActionType,
  action: unknown,
  rest: Record<string, unknown>,
  problems: ErrorDetail[],
): Record<string, unknown> {
  if (action !== undefined && typeof action !== 'function') {
    problems.push({ field: 'action', message: 'must be a function' });
  }
  if (action !== undefined && type !== 'execute' && type !== 'custom') {
    problems.push({ field: 'action', message: 'is for execute and custom only' });
  }
  if (type === 'custom' && action === undefined) problems.push({ field: 'action', message: 'is required: a function' });
  if (type === 'execute' && action === undefined && rest['url'] === undefined) {
    problems.push({ field: 'action', message: 'is required: a function; or url, an HTTP callback' });
  }
  for (const field of ['handler', 'function', 'command']) {
    if (field in rest) problems.push({ field, message: 'is not known here; give action, a function' });
  }
  if (problems.length > 0) return {};
  const called = action === undefined ? {} : type === 'custom' ? { function: id } : { handler: id };
  const settings = { ...snakeKeys(rest), ...called };
  const found: ErrorDetail[] = [];
  const { shown, secrets } = readActionSettings(type, settings, false, found);
  problems.push(
    ...found.map(({ field, message }) => ({ field: field.replace(/^settings\.?/, '') || 'type', message })),
  );
  return { ...shown, ...secrets };
}

function readRetry(
  type: ActionType,
  settings: Record<string, unknown>,
  given: WebhookAction['retryPolicy'],
  problems: ErrorDetail[],
): RetryPolicy | null {
  if (given === undefined) return null;
  const refuse = (field: string, message: string): void =>
    void problems.push({ field: `retryPolicy.${field}`, message });
  for (const [field, value] of Object.entries(given) as [string, unknown][]) {
    if (field === 'backoffStrategy') {
      if (!BACKOFF_STRATEGIES.some((known) => known === value))
        refuse(field, `must be one of ${BACKOFF_STRATEGIES.join(', ')}`);
    } else if (field === 'maxAttempts' || field === 'initialDelayMs' || field === 'maxDelayMs') {
      const { min, max } = RETRY_POLICY_BOUNDS[field];
      if (!Number.isInteger(value) || Number(value) < min || Number(value) > max) {
        refuse(field, `must be a whole number from ${min} to ${max}`);
      }
    } else refuse(field, 'is not known; allowed are maxAttempts, backoffStrategy, initialDelayMs, maxDelayMs');
  }
  return { ...defaultRetryPolicy(type, settings), jitter: 0, ...given };
}
