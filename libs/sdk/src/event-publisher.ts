import { randomUUID } from 'node:crypto';
import { setTimeout as delay } from 'node:timers/promises';
import { parseRetryAfterMs } from '#webhook-rules/retry-after';
import { PublishError, refusedField } from './publish-error';
import { batchRequestBody, publishRequestBody } from './publish-request-body';
import { isRetryableStatus, retryDelayMs } from './publish-retry';
import type { EventToPublish, PublishedEvent, Publisher } from './publisher';

export interface EventPublisherOptions {
  /** Where the service is, for example `https://webhooks.example.com`. */
  url: string;
  /** A bearer token with the scope `events:write`. */
  token: string;
  /** How long one request may take, in milliseconds; 10,000 unless given. */
  timeoutMs?: number;
  /** How often a request is sent again at most; 4 unless given. */
  retries?: number;
  /** In place of the global `fetch`. */
  fetch?: typeof fetch;
}

/** One event of a batch: the keys of a batch are made of the one of its request. */
export type BatchEvent = Omit<EventToPublish, 'idempotencyKey'>;

/** An event of a batch that was refused; the others are not concerned. */
export interface RejectedEvent {
  status: 'rejected';
  error: PublishError;
}

const TIMEOUT_MS = 10_000;
const RETRIES = 4;
const VISIBLE_ASCII = /^[\x21-\x7e]+$/;
const MAX_KEY_LENGTH = 255;

/**
 * Publishes events of a tenant over HTTP. Every request can be repeated without harm: it carries an idempotency key, and
 * is sent again under the same key after a network error, a timeout, 429 and 502 to 504, waiting as `Retry-After` asks.
 */
export class EventPublisher implements Publisher {
  private readonly url: string;
  private readonly token: string;
  private readonly timeoutMs: number;
  private readonly retries: number;
  private readonly fetch: typeof fetch;

  /** @throws TypeError when the URL or the token cannot be one. */
  constructor(options: EventPublisherOptions) {
    if (!VISIBLE_ASCII.test(options.token)) throw new TypeError('token must be a bearer token');
    this.url = new URL(options.url).href.replace(/\/+$/, '');
    this.token = options.token;
    this.timeoutMs = options.timeoutMs ?? TIMEOUT_MS;
    this.retries = options.retries ?? RETRIES;
    this.fetch = options.fetch ?? fetch;
  }

  /**
   * Resolves once the event is stored for good.
   * @throws PublishError when it was refused, or the service was not reached in all tries.
   */
  async publish(event: EventToPublish): Promise<PublishedEvent> {
    // An id of its own makes an event recognisable already.
    const key = event.idempotencyKey ?? (event.eventId === undefined ? randomUUID() : null);
    const answer = await this.post('/api/events', publishRequestBody(event), key);
    return publishedEvent(answer as unknown as EventAnswer);
  }

  /**
   * Publishes 1 to 1,000 events, 16 MiB together, in one request; answers one by one, in their order.
   * @param options.idempotencyKey of the whole batch, made when not given.
   * @throws PublishError when the batch as a whole was refused, or the service was not reached in all tries.
   */
  async publishBatch(
    events: readonly BatchEvent[],
    options: { idempotencyKey?: string } = {},
  ): Promise<(PublishedEvent | RejectedEvent)[]> {
    const key = options.idempotencyKey ?? randomUUID();
    const answer = (await this.post('/api/events/batch', batchRequestBody(events), key)) as unknown as BatchAnswer;
    return answer.events.map((item) =>
      item.status === 'accepted'
        ? publishedEvent(item)
        : { status: 'rejected', error: errorOf(item.error.statusCode, item.error) },
    );
  }

  private async post(path: string, body: Buffer<ArrayBuffer>, key: string | null): Promise<Record<string, unknown>> {
    if (key !== null && (!VISIBLE_ASCII.test(key) || key.length > MAX_KEY_LENGTH)) {
      throw refusedField('Idempotency-Key', 'must have 1 to 255 printable ASCII characters without spaces');
    }
    for (let retry = 0; ; retry += 1) {
      const outcome = await this.send(path, body, key);
      if (!(outcome instanceof Failure)) return outcome;
      const delayMs = outcome.isRetryable ? retryDelayMs(retry, outcome.retryAfterMs, Math.random()) : null;
      if (delayMs === null || retry >= this.retries) throw outcome.error;
      await delay(delayMs);
    }
  }

  private async send(
    path: string,
    body: Buffer<ArrayBuffer>,
    key: string | null,
  ): Promise<Record<string, unknown> | Failure> {
    const signal = AbortSignal.timeout(this.timeoutMs);
    let response: Response;
    let text: string;
    try {
      response = await this.fetch(this.url + path, {
        method: 'POST',
        headers: {
          authorization: `Bearer ${this.token}`,
          'content-type': 'application/json',
          ...(key === null ? {} : { 'idempotency-key': key }),
        },
        body,
        // A redirect would turn the request into a GET, or carry the event elsewhere.
        redirect: 'manual',
        signal,
      });
      text = await response.text();
    } catch (error) {
      return new Failure(this.notReached(error, signal.aborted), true, null);
    }
    const answer = jsonObject(text);
    if (!response.ok) {
      const retryAfter = response.headers.get('retry-after');
      return new Failure(
        errorOf(response.status, answer),
        isRetryableStatus(response.status),
        retryAfter === null ? null : parseRetryAfterMs(retryAfter, Date.now()),
      );
    }
    if (answer === null) {
      const message = `${this.url} answered ${response.status} without the JSON of this service`;
      return new Failure(new PublishError(response.status, 'unexpected_answer', message), false, null);
    }
    return answer;
  }

  private notReached(cause: unknown, isTimeout: boolean): PublishError {
    return isTimeout
      ? new PublishError(null, 'timeout', `${this.url} did not answer within ${this.timeoutMs} ms`, { cause })
      : new PublishError(null, 'unreachable', `${this.url} could not be reached`, { cause });
  }
}

/** A try that came to nothing, and whether another makes sense. */
class Failure {
  constructor(
    readonly error: PublishError,
    readonly isRetryable: boolean,
    readonly retryAfterMs: number | null,
  ) {}
}

interface EventAnswer {
  status: 'accepted';
  event_id: string;
  event: string;
  created_at: string;
  duplicate: boolean;
  warnings?: { field: string; message: string }[];
}

interface BatchAnswer {
  events: (EventAnswer | { status: 'rejected'; error: { statusCode: number } & Record<string, unknown> })[];
}

function publishedEvent(answer: EventAnswer): PublishedEvent {
  return {
    eventId: answer.event_id,
    event: answer.event,
    status: 'accepted',
    createdAt: answer.created_at,
    duplicate: answer.duplicate,
    warnings: answer.warnings ?? [],
  };
}

/** The error that the service answered with; a proxy before it may answer with anything. */
function errorOf(status: number, answer: Record<string, unknown> | null): PublishError {
  const { code, message, details, request_id: requestId } = answer ?? {};
  return new PublishError(
    status,
    typeof code === 'string' ? code : 'unexpected_answer',
    typeof message === 'string' ? message : `The service answered ${status}`,
    {
      details: Array.isArray(details) ? (details as { field: string; message: string }[]) : [],
      requestId: typeof requestId === 'string' ? requestId : null,
    },
  );
}

function jsonObject(text: string): Record<string, unknown> | null {
  try {
    const parsed: unknown = JSON.parse(text);
    return typeof parsed === 'object' && parsed !== null ? (parsed as Record<string, unknown>) : null;
  } catch {
    return null;
  }
}
