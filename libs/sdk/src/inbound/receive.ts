import { createHash } from 'node:crypto';
import type { InboundRequest, ValueMap } from '#inbound-rules/inbound-request';
import { firstValues } from '#inbound-rules/inbound-request';
import { judgeRequest } from '#inbound-rules/judge-request';
import { replayKey } from '#inbound-rules/signatures/replay-key';
import type { Verdict } from '#inbound-rules/verdict';
import { notFound, unavailable } from '#kernel/app-error';
import { formatId, newUuid } from '#kernel/ids';
import { formatInstant } from '#kernel/instants';
import { configuredAnswer, errorAnswer, refusedAnswer } from './answers';
import { callHandler, HANDLER_TIMEOUT_MS } from './call-handler';
import type { Endpoint } from './endpoint-definition';
import type { EndpointStore } from './endpoint-store';
import { RateLimits } from './rate-limits';
import type { Receipt, Received } from './receipt';
import { RequestLog } from './request-log';
import { AlreadySeen, countTrigger, releaseKeys, takeKeys, type SeenKeys } from './storage/requests.queries';
import { insertRun } from './storage/runs.queries';
import type { SqlDatabase } from './storage/sql-database';
import type { WebhookAnswer, WebhookHandler, WebhookMetadata } from './webhook-types';

/** As long as the service remembers deliveries. */
const REMEMBER_MS = 86_400_000;
/** A delivery whose handler was cut off by a crash may be taken up after this. */
const CLAIM_MS = HANDLER_TIMEOUT_MS + 5_000;

export interface ReceiverParts {
  readonly database: SqlDatabase;
  readonly endpoints: EndpointStore;
  readonly handlers: ReadonlyMap<string, WebhookHandler>;
  readonly logPayloads: boolean;
  readonly maxLogEntries: number;
  /** Told when there are actions to run. */
  accepted(): void;
  readonly warn: (details: object, message: string) => void;
}

/**
 * The way of a request: the verdict, the limit, duplicates, the handler, one commit of the request and what is to be done
 * about it, the answer. What the handler refuses leaves nothing behind, so that the sender's next try begins anew.
 */
export class Receiver {
  private readonly limits = new RateLimits();
  private readonly log: RequestLog;

  constructor(private readonly parts: ReceiverParts) {
    this.log = new RequestLog(parts.database, parts.logPayloads, parts.maxLogEntries);
  }

  /** @throws AppError 404 for an endpoint that is not there, 503 when the storage does not answer. */
  async receive(name: string, request: InboundRequest, isTest = false): Promise<Receipt> {
    try {
      const endpoint = await this.parts.endpoints.get(name);
      return await this.judge({ endpoint, request, isTest });
    } catch (error) {
      if (error instanceof Error && error.name === 'AppError') throw error;
      this.parts.warn({ webhook: name, error: String(error) }, 'a webhook request could not be stored');
      throw unavailable('The request cannot be stored at the moment; please try again', 1, error);
    }
  }

  private async judge(received: Received): Promise<Receipt> {
    const { endpoint, request, isTest } = received;
    const id = newUuid(request.receivedAt.getTime());
    const nowMs = request.receivedAt.getTime();
    const publicId = formatId('req', id);
    const probe = probeAnswer(endpoint, request);
    const verdict = judgeRequest(endpoint.rules, request, request.receivedAt);
    if (probe !== null) return { id, status: 'ignored', verdict, answer: probe };
    if (verdict.outcome === 'rejected') {
      return this.refused(received, { id, verdict, answer: refusedAnswer(verdict, publicId) });
    }
    // Only what is genuine counts, so that a flood of forgeries does not keep others out.
    const waitSeconds = isTest ? 0 : this.limits.take(endpoint.row.id, endpoint.rateLimit, nowMs);
    if (waitSeconds > 0) {
      const text = 'Too many requests to this webhook; please try again later';
      const retryAfter = { 'retry-after': String(waitSeconds) };
      const answer = errorAnswer(429, 'rate_limited', text, publicId, retryAfter);
      const limited: Verdict = { ...verdict, outcome: 'rejected', status: 429, message: text };
      return this.refused(received, { id, verdict: limited, answer });
    }
    if (verdict.outcome === 'accepted') return this.accept(received, id, verdict);
    const answer =
      verdict.reply === undefined
        ? configuredAnswer(endpoint.response, publicId, 'ignored', verdict.status)
        : { statusCode: verdict.reply.status, headers: { ...verdict.reply.headers }, body: verdict.reply.body };
    const receipt = { id, status: verdict.outcome, verdict, answer };
    await this.log.keep(received, receipt);
    return receipt;
  }

  private async accept(received: Received, id: string, verdict: Verdict): Promise<Receipt> {
    const { endpoint, request, isTest } = received;
    const { database, handlers, warn } = this.parts;
    const publicId = formatId('req', id);
    const nowMs = Date.now();
    const keys = isTest ? [] : keysOf(endpoint, request, verdict);
    const seen: SeenKeys = { endpointId: endpoint.row.id, keys, requestId: id, nowMs };
    const handler = handlers.get(endpoint.row.name);
    try {
      if (handler !== undefined && keys.length > 0) {
        await database.transaction((query) => takeKeys(query, seen, nowMs + CLAIM_MS, true));
      }
      const metadata = metadataOf(endpoint, request, publicId, isTest);
      const answer =
        handler === undefined
          ? configuredAnswer(endpoint.response, publicId, 'accepted')
          : await callHandler(handler, verdict.payload, metadata, endpoint, warn);
      const receipt: Receipt = {
        id,
        status: answer === null ? 'failed' : 'accepted',
        verdict,
        answer: answer ?? failed(publicId),
      };
      if (answer === null) {
        await database.transaction((query) => releaseKeys(query, seen));
        await this.log.keep(received, receipt);
        return receipt;
      }
      await this.commit(received, receipt, seen);
      return receipt;
    } catch (error) {
      if (!(error instanceof AlreadySeen)) throw error;
      const { kind, requestId } = error.claim;
      if (kind === 'duplicate') {
        const answer = configuredAnswer(endpoint.response, formatId('req', requestId), 'duplicate');
        return { id: requestId, status: 'duplicate', verdict, answer };
      }
      const text = 'The same delivery is being handled; please try again later';
      const answer = errorAnswer(409, 'in_progress', text, publicId, { 'retry-after': '5' });
      return { id, status: 'duplicate', verdict, answer };
    }
  }

  /** One commit: the keys, the request, its runs and the count; whoever is answered afterwards is answered for good. */
  private async commit(received: Received, receipt: Receipt, seen: SeenKeys): Promise<void> {
    const { endpoint, isTest } = received;
    const { database, endpoints } = this.parts;
    const nowMs = Date.now();
    const actions = await endpoints.actionsOf(endpoint.row.id);
    await database.transaction(async (query) => {
      await takeKeys(query, { ...seen, nowMs }, nowMs + REMEMBER_MS, false);
      const isThere = isTest || (await countTrigger(query, endpoint.row.id, nowMs));
      if (!isThere) throw notFound('Webhook');
      await this.log.insert(query, received, receipt, actions.length > 0);
      for (const [position, action] of actions.entries()) {
        const run = {
          id: newUuid(nowMs),
          endpoint_id: endpoint.row.id,
          request_id: receipt.id,
          action_id: action.id,
          position,
          type: action.type,
          is_function: action.functions === null ? 0 : 1,
        };
        await insertRun(query, run, nowMs);
      }
      await this.log.trim(query, received);
    });
    if (actions.length > 0) this.parts.accepted();
  }

  private async refused(received: Received, refusal: Omit<Receipt, 'status'>): Promise<Receipt> {
    const receipt: Receipt = { ...refusal, status: 'rejected' };
    if (received.endpoint.debug) await this.log.keep(received, receipt);
    return receipt;
  }
}

/** HEAD and OPTIONS are asked by providers and browsers to find out about a URL: nothing happens by them. */
function probeAnswer({ rules }: Endpoint, { method }: InboundRequest): WebhookAnswer | null {
  if (rules.methods.includes(method)) return null;
  if (method === 'HEAD') return { statusCode: 200, headers: {}, body: '' };
  const allow = [...new Set([...rules.methods, 'HEAD', 'OPTIONS'])].join(', ');
  return method === 'OPTIONS' ? { statusCode: 204, headers: { allow }, body: '' } : null;
}

/** What a request must be the first of: its delivery's id, and what was signed, which a repetition cannot change. */
function keysOf(endpoint: Endpoint, request: InboundRequest, verdict: Verdict): string[] {
  const signed = replayKey(endpoint.rules, request);
  const names = [
    ...(verdict.dedupeKey === undefined ? [] : [`id:${verdict.dedupeKey}`]),
    ...(signed === null ? [] : [`signed:${signed}`]),
  ];
  return names.map((name) => createHash('sha256').update(name).digest('base64'));
}

function metadataOf({ row }: Endpoint, request: InboundRequest, id: string, test: boolean): WebhookMetadata {
  const texts = (values: ValueMap): Record<string, string> => firstValues(values);
  return {
    id,
    endpoint: row.name,
    method: request.method,
    ip: request.ip,
    timestamp: formatInstant(request.receivedAt.getTime()),
    headers: texts(request.headers),
    query: texts(request.query),
    test,
  };
}

function failed(requestId: string): WebhookAnswer {
  return errorAnswer(500, 'handler_failed', 'The request could not be processed', requestId);
}
