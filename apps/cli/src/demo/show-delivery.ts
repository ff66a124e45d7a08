import { randomBytes } from 'node:crypto';
import { isDeepStrictEqual } from 'node:util';
import { EventPublisher } from '#sdk/index';
import { BUILD_COMPLETED } from './build-completed';
import { DemoApi, type DemoDelivery } from './demo-api';
import { DemoReceiver, type Receipt } from './demo-receiver';
import type { StepLines } from './step-lines';
import { waitUntil } from '../wait-until';

const EVENT_TYPE = 'build.completed';
const RETRY_DELAY_MS = 500;
const PUBLISH_TIMEOUT_MS = 5_000;
/** For each of the things waited for, so that what is missing is told by name. */
const STEP_DEADLINE_MS = 15_000;

/**
 * Publishes an event to a webhook of its own and looks at all that comes of it, at the receiver and at the API.
 * @throws Error naming what was not as it must be.
 */
export async function showDelivery(
  { apiUrl, token }: { apiUrl: string; token: string },
  lines: StepLines,
  signal: AbortSignal,
): Promise<void> {
  const api = new DemoApi(apiUrl, token, signal);
  const secret = randomBytes(24).toString('hex');
  const receiver = await DemoReceiver.start(secret);
  try {
    lines.title('Webhook');
    lines.done(`A receiver listens at ${receiver.url}; its first answer will be a 500`);
    // Other events of the tenant belong to other projects, so that none of them comes between.
    const projectId = `demo_${randomBytes(8).toString('hex')}`;
    const { webhook_id: webhookId } = await api.createWebhook({
      url: receiver.url,
      events: [EVENT_TYPE],
      name: 'Demo',
      secret,
      project_id: projectId,
      retry_policy: { max_attempts: 3, backoff_strategy: 'fixed', initial_delay: RETRY_DELAY_MS },
    });
    lines.done(`${webhookId} subscribes to ${EVENT_TYPE}`);
    try {
      const eventId = await publish(api, projectId, lines);
      await showReceipts(receiver, lines, signal);
      await showHistory(api, { webhookId, eventId }, lines, signal);
      await showStats(api, webhookId, lines, signal);
    } catch (error) {
      await api.deleteWebhook(webhookId).catch(() => lines.note(`${webhookId} could not be deleted`));
      throw error;
    }
    await api.deleteWebhook(webhookId);
    lines.title('End');
    lines.done('The webhook is deleted');
  } finally {
    await receiver.stop();
  }
}

async function publish(api: DemoApi, projectId: string, lines: StepLines): Promise<string> {
  lines.title('Event');
  const publisher = new EventPublisher({ url: api.url, token: api.token, timeoutMs: PUBLISH_TIMEOUT_MS, retries: 2 });
  const { eventId } = await publisher.publish({ event: EVENT_TYPE, data: BUILD_COMPLETED, projectId });
  lines.done(`${eventId} is published`);
  return eventId;
}

async function showReceipts(receiver: DemoReceiver, lines: StepLines, signal: AbortSignal): Promise<void> {
  lines.title('Receiver');
  const first = await soon('a first attempt at the receiver', () => receiver.receipts[0], signal);
  check(first, 500);
  lines.done('First attempt: the signature is right; answered 500');
  const second = await soon('a second attempt at the receiver', () => receiver.receipts[1], signal);
  check(second, 200);
  if (second.deliveryId !== first.deliveryId) throw new Error('the retry did not keep the delivery id');
  const laterMs = second.receivedAtMs - first.receivedAtMs;
  lines.done(`Second attempt, ${laterMs} ms later: the signature is right; answered 200`);
}

function check(receipt: Receipt, answer: number): void {
  if (!receipt.isSignatureRight) throw new Error('X-Trae-Signature-256 does not fit the body and the secret');
  if (receipt.answered !== answer) throw new Error(`the receiver answered ${receipt.answered} in place of ${answer}`);
  if (receipt.body?.event !== EVENT_TYPE || !isDeepStrictEqual(receipt.body.data, BUILD_COMPLETED)) {
    throw new Error('what was received is not what was published');
  }
}

async function showHistory(
  api: DemoApi,
  { webhookId, eventId }: { webhookId: string; eventId: string },
  lines: StepLines,
  signal: AbortSignal,
): Promise<void> {
  lines.title(`Delivery history   GET /api/webhooks/${webhookId}/deliveries`);
  const isSettled = (deliveries: DemoDelivery[]): boolean =>
    deliveries[0] !== undefined && deliveries[0].status !== 'pending';
  const deliveries = await soon(
    'the delivery to show as finished in the history',
    async () => {
      const page = await api.deliveries(webhookId);
      return isSettled(page) ? page : undefined;
    },
    signal,
  );
  lines.table([
    ['delivery', 'event', 'status', 'attempts'],
    ...deliveries.map((row) => [row.delivery_id, row.event_type, row.status, String(row.attempts)]),
  ]);
  console.log();
  lines.table([
    ['attempt', 'started', 'response', 'ms', 'error'],
    ...deliveries.flatMap((row) =>
      row.attempt_log.map((attempt) => [
        String(attempt.attempt),
        attempt.started_at,
        String(attempt.response_code ?? '—'),
        String(attempt.response_time),
        attempt.error ?? '',
      ]),
    ),
  ]);
  const [delivery] = deliveries;
  const codes = delivery?.attempt_log.map((attempt) => attempt.response_code);
  if (
    deliveries.length !== 1 ||
    delivery?.event_id !== eventId ||
    delivery.status !== 'success' ||
    delivery.attempts !== 2 ||
    !isDeepStrictEqual(codes, [500, 200])
  ) {
    throw new Error('the history does not show this one delivery with 2 attempts, 500 and 200, as a success');
  }
}

async function showStats(api: DemoApi, webhookId: string, lines: StepLines, signal: AbortSignal): Promise<void> {
  lines.title(`Statistics   GET /api/webhooks/${webhookId}`);
  const stats = await soon(
    'the statistics to show 1 delivery, successful',
    async () => {
      const { stats } = await api.webhook(webhookId);
      const isCounted =
        stats.total_deliveries === 1 && stats.successful_deliveries === 1 && stats.failed_deliveries === 0;
      return isCounted ? stats : undefined;
    },
    signal,
  );
  lines.table([
    ['total', 'successful', 'failed', 'success rate'],
    [
      String(stats.total_deliveries),
      String(stats.successful_deliveries),
      String(stats.failed_deliveries),
      stats.success_rate === undefined ? '—' : `${stats.success_rate} %`,
    ],
  ]);
}

/** Waits for something. @throws Error naming it when it does not come in time. */
async function soon<T>(
  what: string,
  look: () => Promise<T | undefined> | T | undefined,
  signal: AbortSignal,
): Promise<T> {
  const late = new AbortController();
  const timer = setTimeout(
    () => late.abort(new Error(`waited ${STEP_DEADLINE_MS / 1_000} s in vain for ${what}`)),
    STEP_DEADLINE_MS,
  );
  try {
    return await waitUntil(look, AbortSignal.any([signal, late.signal]));
  } finally {
    clearTimeout(timer);
  }
}
