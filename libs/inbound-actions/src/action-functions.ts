import { failed, failedForGood, succeeded, type ActionOutcome, type ActionRun } from './action-run';
import { metadataOf, type ActionMetadata } from './action-metadata';

/** What a registered function is told beside the payload. */
export interface FunctionContext {
  readonly metadata: ActionMetadata;
  /** Names in lower case; secret ones are masked. */
  readonly headers: Readonly<Record<string, unknown>>;
  readonly query: Readonly<Record<string, unknown>>;
  /** Of a custom action. */
  readonly options: unknown;
  /** Aborted at the deadline and when the process stops: whoever heeds it is not left running. */
  readonly signal: AbortSignal;
}

/** A function of the installation; what it returns is recorded as the result, what it throws as the error. */
export type ActionFunction = (payload: unknown, context: FunctionContext) => unknown;

/** Functions by name. */
export type ActionFunctions = ReadonlyMap<string, ActionFunction>;

const DEFAULT_TIMEOUT_SECONDS = 30;

/** Calls a registered function with a deadline. It runs in this process, so past the deadline it is only left alone. */
export async function callFunction(
  functions: ActionFunctions,
  name: string,
  input: { payload: unknown; options: unknown; timeoutSeconds: number | undefined },
  run: ActionRun,
): Promise<ActionOutcome> {
  const found = functions.get(name);
  if (found === undefined) {
    const known = functions.size === 0 ? 'none is registered' : `registered are ${[...functions.keys()].join(', ')}`;
    return failedForGood(`There is no function ${name}; ${known}`);
  }
  const seconds = input.timeoutSeconds ?? DEFAULT_TIMEOUT_SECONDS;
  const ending = new AbortController();
  const late = new AbortController();
  const deadline = setTimeout(() => {
    late.abort();
    ending.abort();
  }, seconds * 1_000);
  const onStop = (): void => {
    ending.abort();
  };
  run.signal.addEventListener('abort', onStop, { once: true });
  try {
    const context = {
      metadata: metadataOf(run),
      headers: run.values.headers,
      query: run.values.query,
      options: input.options,
      signal: ending.signal,
    };
    const result = await Promise.race([invoke(found, input.payload, context), rejectWhenAborted(ending.signal)]);
    return succeeded(result === undefined ? null : result);
  } catch (error) {
    if (late.signal.aborted) return failed(`${name} did not end within ${seconds} seconds`);
    if (run.signal.aborted) return { kind: 'interrupted' };
    return failed(`${name}: ${error instanceof Error ? error.message : String(error)}`);
  } finally {
    clearTimeout(deadline);
    run.signal.removeEventListener('abort', onStop);
  }
}

/** Also what throws before it returns a promise is its failure, not ours. */
function invoke(found: ActionFunction, payload: unknown, context: FunctionContext): Promise<unknown> {
  return new Promise((resolve) => {
    resolve(found(payload, context));
  });
}

function rejectWhenAborted(signal: AbortSignal): Promise<never> {
  return new Promise((_resolve, reject) => {
    signal.addEventListener(
      'abort',
      () => {
        reject(new Error('aborted'));
      },
      { once: true },
    );
  });
}
