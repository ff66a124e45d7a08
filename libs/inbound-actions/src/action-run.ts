import type { RequestContext } from '#inbound-rules/request-context';
import type { RequestValues } from '#inbound-rules/trigger-rules/request-value';

/** One attempt to act on one accepted request. */
export interface ActionRun {
  /** UUID; the same in every attempt, so that whoever is acted upon can tell a repetition. */
  readonly id: string;
  readonly tenantId: string;
  /** Counts from 1. */
  readonly attempt: number;
  readonly endpointId: string;
  readonly receivedAt: Date;
  /** Whether the endpoint's owner made the request to try it out. */
  readonly isTest: boolean;
  /** What commands refer to. */
  readonly values: RequestValues;
  /** What conditions, templates and mappings see. */
  readonly context: RequestContext;
  /** What the attempt before left behind; null in the first one. */
  readonly previous: unknown;
  /** Aborted when the process stops and cannot wait any longer. */
  readonly signal: AbortSignal;
}

/**
 * How an attempt ended. `postponed` does not count as one: a provider said when to come again before anything was
 * sent. `interrupted`: this process stopped it; another begins it anew.
 */
export type ActionOutcome =
  | { readonly kind: 'succeeded'; readonly result: unknown }
  | {
      readonly kind: 'failed';
      /** For the endpoint's owner: no stack, no internal name. */
      readonly error: string;
      /** Whether another attempt could end differently. */
      readonly isFinal: boolean;
      /** Of an HTTP answer: a retry policy may say otherwise of it. */
      readonly statusCode?: number;
      /** At least so long until the next attempt; 0 for what the retry policy says. */
      readonly retryAfterMs: number;
      /** What is recorded, and given to the next attempt as `previous`. */
      readonly result?: unknown;
    }
  | { readonly kind: 'postponed'; readonly forMs: number; readonly reason: string; readonly result?: unknown }
  | { readonly kind: 'interrupted' };

export function succeeded(result: unknown): ActionOutcome {
  return { kind: 'succeeded', result };
}

/** A failure that another attempt may mend. */
export function failed(error: string, more: { retryAfterMs?: number; result?: unknown } = {}): ActionOutcome {
  return { kind: 'failed', error, isFinal: false, retryAfterMs: 0, ...more };
}

/** A failure that stays one, however often it is tried. */
export function failedForGood(error: string, result?: unknown): ActionOutcome {
  return { kind: 'failed', error, isFinal: true, retryAfterMs: 0, ...(result === undefined ? {} : { result }) };
}
