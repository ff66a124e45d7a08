import type { DeliveryClient } from '#delivery-client/delivery-client';
import type { AttemptResult } from '#delivery-client/exchange';
import { formatId } from '#kernel/ids';
import { signStandard, signTrae, standardKey } from '#webhook-rules/signature';
import { failed, failedForGood, succeeded, type ActionOutcome, type ActionRun } from './action-run';
import { metadataOf } from './action-metadata';
import type { CallbackSettings } from './action-settings';

/** What callbacks, messages and other requests go through. */
export type HttpClient = Pick<DeliveryClient, 'send'>;

const DEFAULT_TIMEOUT_SECONDS = 30;

/**
 * Posts `{ "payload", "metadata" }` to a URL. Signed as inbound requests are by default (`X-Webhook-Signature`) and by
 * Standard Webhooks, whose `webhook-id` is the run's: the same in every attempt.
 */
export async function callBack(
  http: HttpClient,
  settings: CallbackSettings,
  payload: unknown,
  run: ActionRun,
): Promise<ActionOutcome> {
  const body = Buffer.from(JSON.stringify({ payload, metadata: metadataOf(run) }));
  const id = formatId('run', run.id);
  const seconds = Math.floor(Date.now() / 1000);
  const signed =
    settings.secret === undefined
      ? {}
      : {
          'x-webhook-signature': signTrae(settings.secret, body),
          'webhook-signature': signStandard(standardKey(settings.secret), id, seconds, body),
        };
  const result = await http.send({
    url: settings.url,
    headers: {
      ...settings.headers,
      'content-type': 'application/json',
      'user-agent': 'Trae-Webhooks/1.0',
      'webhook-id': id,
      'webhook-timestamp': String(seconds),
      ...signed,
    },
    body,
    timeoutMs: (settings.timeout ?? DEFAULT_TIMEOUT_SECONDS) * 1_000,
  });
  return httpOutcome(result, { status: result.statusCode, body: readBody(result) });
}

/**
 * Judges by the status as deliveries do: 2xx is success; 408, 429, 5xx and a missing answer may be mended by time, unless
 * the retry policy names other statuses. Recorded is the status and the answer, parsed where it is JSON.
 */
export function httpOutcome({ outcome, error }: AttemptResult, recorded: unknown): ActionOutcome {
  if (outcome.kind === 'error') {
    if (outcome.errorClass === 'interrupted') return { kind: 'interrupted' };
    const text = error ?? outcome.errorClass;
    return outcome.errorClass === 'invalid_request' ? failedForGood(text) : failed(text);
  }
  const { statusCode, retryAfterMs } = outcome;
  if (statusCode >= 200 && statusCode < 300) return succeeded(recorded);
  const text = error ?? `HTTP ${statusCode}`;
  const isFinal = statusCode !== 408 && statusCode !== 429 && statusCode < 500;
  return { kind: 'failed', error: text, isFinal, statusCode, retryAfterMs: retryAfterMs ?? 0, result: recorded };
}

/** What of the answer is kept, parsed where it is JSON. */
function readBody({ responseHeaders, responseBody, responseTruncated }: AttemptResult): unknown {
  const text = responseBody.toString('utf8');
  if (!/\bjson\b/i.test(responseHeaders['content-type'] ?? '') || responseTruncated) return text;
  try {
    return JSON.parse(text) as unknown;
  } catch {
    return text;
  }
}
