import { setMaxListeners } from 'node:events';
import { scheduler } from 'node:timers/promises';
import { Agent, request, type Dispatcher } from 'undici';
import type { SeededRandom } from './seeded-random';
import { EVENT_TYPES, wants, type ChaosTenant } from './tenants';

const RETRY_MS = 150;
const REQUEST_TIMEOUT_MS = 10_000;
/** Publishing pauses while so many have no 202 yet: the load stays bounded while everything is down. */
const MAX_OPEN = 300;
const SCHEDULED_SHARE = 0.04;
const TICK_MS = 20;
const KEYED_SHARE = 0.5;
const KEYS_PER_TENANT = 6;

/** What was promised with a 202; instants are monotonic ms. */
export interface Promised {
  /** One for each webhook that wants the event, as the receiver's. */
  key: string;
  /** When it may be delivered from: the 202, or the instant the event is scheduled for. */
  dueAt: number;
}

/** Publishes at a constant rate, and again under the same id until there is a 202. */
export interface Publisher {
  readonly promised: readonly Promised[];
  /** Events that got 202. */
  readonly accepted: number;
  /** Events that have none yet. */
  readonly open: number;
  /** Answers that no retry can make good. */
  readonly refused: readonly string[];
  /** Answers by status; 0 for a broken connection. */
  readonly answers: ReadonlyMap<number, number>;
  pause(): void;
  resume(): void;
  /** Gives up on events without a 202. */
  stop(): Promise<void>;
}

/** @param apis the addresses of the API's processes as they are now. */
export function startPublisher(
  tenants: readonly ChaosTenant[],
  apis: () => readonly string[],
  perSecond: number,
  runName: string,
  random: SeededRandom,
): Publisher {
  const agent = new Agent({ connections: 8, keepAliveTimeout: 4_000 });
  const promised: Promised[] = [];
  const refused: string[] = [];
  const answers = new Map<number, number>();
  const stopping = new AbortController();
  setMaxListeners(MAX_OPEN, stopping.signal); // each that waits to repeat has one
  let accepted = 0;
  let open = 0;
  let number = 0;
  /** Events so far with each ordering key, and the keys whose last event has no 202 yet: their order would be unknown. */
  const keyed = new Map<string, number>();
  const busyKeys = new Set<string>();
  let paused = false;
  let credit = 0;
  let lastTickAt = performance.now();

  const publishOnce = async (url: string, token: string, body: string): Promise<number> => {
    const answer: Dispatcher.ResponseData | null = await request(`${url}/api/events`, {
      method: 'POST',
      headers: { authorization: `Bearer ${token}`, 'content-type': 'application/json' },
      body,
      dispatcher: agent,
      signal: AbortSignal.timeout(REQUEST_TIMEOUT_MS),
    }).catch(() => null);
    if (answer === null) return 0;
    await answer.body.dump().catch(() => undefined);
    return answer.statusCode;
  };

  const publish = async (): Promise<void> => {
    number += 1;
    const tenant = random.pick(tenants);
    const event = random.pick(EVENT_TYPES);
    const delayMs = random.next() < SCHEDULED_SHARE ? random.between(500, 3_000) : null;
    const key = `${String(tenants.indexOf(tenant))}k${String(random.between(1, KEYS_PER_TENANT))}`;
    const orderingKey = delayMs === null && random.next() < KEYED_SHARE && !busyKeys.has(key) ? key : null;
    if (orderingKey !== null) {
      busyKeys.add(orderingKey);
      keyed.set(orderingKey, (keyed.get(orderingKey) ?? 0) + 1);
    }
    const place = orderingKey === null ? '' : `:${orderingKey}:${String(keyed.get(orderingKey))}`;
    const eventId = `${runName}-${String(number)}${place}`;
    const body = JSON.stringify({
      event,
      data: { number, text: 'x'.repeat(random.between(0, 600)) },
      event_id: eventId,
      ...(orderingKey === null ? {} : { ordering_key: orderingKey }),
      ...(delayMs === null ? {} : { deliver_at: new Date(Date.now() + delayMs).toISOString() }),
    });
    const scheduledAt = performance.now() + (delayMs ?? 0);
    for (let attempt = number; !stopping.signal.aborted; attempt += 1) {
      const urls = apis();
      const status = await publishOnce(urls[attempt % urls.length] ?? '', tenant.token, body);
      answers.set(status, (answers.get(status) ?? 0) + 1);
      if (status === 202) {
        accepted += 1;
        if (orderingKey !== null) busyKeys.delete(orderingKey);
        const dueAt = Math.max(performance.now(), scheduledAt);
        for (const webhook of tenant.webhooks)
          if (wants(webhook, event)) promised.push({ key: `${webhook.path} ${eventId}`, dueAt });
        return;
      }
      if (status !== 0 && status < 500) {
        refused.push(`POST /api/events answered ${String(status)} to ${body}`);
        return;
      }
      await scheduler.wait(RETRY_MS, { signal: stopping.signal }).catch(() => undefined);
    }
  };

  const timer = setInterval(() => {
    const now = performance.now();
    if (!paused) credit = Math.min(perSecond, credit + ((now - lastTickAt) * perSecond) / 1_000);
    lastTickAt = now;
    while (!paused && credit >= 1 && open < MAX_OPEN) {
      credit -= 1;
      open += 1;
      void publish().finally(() => {
        open -= 1;
      });
    }
  }, TICK_MS);

  return {
    promised,
    refused,
    answers,
    get accepted() {
      return accepted;
    },
    get open() {
      return open;
    },
    pause() {
      paused = true;
      credit = 0;
    },
    resume() {
      paused = false;
    },
    async stop() {
      clearInterval(timer);
      stopping.abort();
      await agent.destroy();
    },
  };
}
