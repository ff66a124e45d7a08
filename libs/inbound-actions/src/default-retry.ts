import type { RetryPolicy } from '#webhook-rules/retry-policy';
import type { ActionType } from './action-settings';

const QUICK: RetryPolicy = {
  maxAttempts: 5,
  backoffStrategy: 'exponential',
  initialDelayMs: 2_000,
  maxDelayMs: 300_000,
  retryOnStatus: null,
  retryOnTimeout: true,
  jitter: 0.2,
};
/** What only we can fail to do: it goes on until we can. */
const OWN_WORK: RetryPolicy = { ...QUICK, maxAttempts: 20 };
const ONCE: RetryPolicy = { ...QUICK, maxAttempts: 1 };

/** The policy of an action that has none of its own: a command or function may not like to run twice. */
export function defaultRetryPolicy(type: ActionType, settings: { handler?: unknown; command?: unknown }): RetryPolicy {
  switch (type) {
    case 'notify':
      return QUICK;
    case 'forward':
    case 'log':
      return OWN_WORK;
    case 'execute':
      return settings.command === undefined && settings.handler === undefined ? QUICK : ONCE;
    case 'custom':
      return ONCE;
  }
}
