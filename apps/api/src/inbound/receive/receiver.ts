import { createHash } from 'node:crypto';
import { Inject, Injectable } from '@nestjs/common';
import { Counter, Registry } from 'prom-client';
import { databaseAway, isDatabaseAway } from '#database/database-errors';
import { headerOf, type InboundRequest } from '#inbound-rules/inbound-request';
import { judgeRequest } from '#inbound-rules/judge-request';
import { replayKey } from '#inbound-rules/signatures/replay-key';
import type { StepResult, Verdict } from '#inbound-rules/verdict';
import { notFound, unavailable } from '#kernel/app-error';
import { DEFAULT_WAIT_SECONDS } from '#inbound-rules/response-settings';
import { acceptedAnswer, limitedAnswer, plainAnswer, processedAnswer, refusedAnswer, type Answer } from './answers';
import { EndpointBudget } from './endpoint-budget';
import { EndpointCache, type EndpointAddress } from './endpoint-cache';
import { maskHeaders, maskQuery } from '#inbound-rules/masking';
import type { ReceivedRequest } from './received-request';
import type { ReceivingEndpoint } from './receiving-endpoint';
import { RejectedLog } from './rejected-log';
import { RequestIntake } from './request-intake';
import { RunResults } from './run-results';

/** A request as it came in, with what its log needs beside {@link InboundRequest}. */
export interface Incoming extends InboundRequest {
  /** UUID. */
  readonly id: string;
  readonly path: string;
  /** As received, without the question mark. */
  readonly queryText: string;
}

/** An endpoint that changes all the time is not judged by again and again. */
const MAX_ROUNDS = 4;

/**
 * The way of an inbound request: its endpoint, the verdict, the limit, one commit that also decides duplicates, the
 * signal, the answer.
 */
@Injectable()
export class Receiver {
  private readonly outcomes: Counter;

  constructor(
    private readonly endpoints: EndpointCache,
    private readonly budget: EndpointBudget,
    private readonly intake: RequestIntake,
    private readonly rejected: RejectedLog,
    private readonly results: RunResults,
    @Inject(Registry) registry: Registry,
  ) {
    this.outcomes = new Counter({
      name: 'webhooks_inbound_requests_total',
      help: 'Requests to inbound endpoints, by what became of them.',
      labelNames: ['outcome'],
      registers: [registry],
    });
  }

  /**
   * @param name that the URL gives beside the key; null where it gives none.
   * @throws AppError 404 for an endpoint that is not there, 503 when the request cannot be stored now.
   */
  async receive(address: EndpointAddress, name: string | null, request: Incoming): Promise<Answer> {
    for (let round = 0; round < MAX_ROUNDS; round += 1) {
      const endpoint = await this.find(address, name, request.receivedAt.getTime(), round > 0);
      const answer = await this.receiveBy(endpoint, request);
      if (answer !== null) return answer;
    }
    throw unavailable('The endpoint is being changed; please try again', 1);
  }

  /** What the body was too large for to be read at all. @throws as {@link receive}. */
  async refuseOversized(address: EndpointAddress, name: string | null, request: Incoming): Promise<Answer> {
    const endpoint = await this.find(address, name, request.receivedAt.getTime(), false);
    const verdict: Verdict = {
      outcome: 'rejected',
      status: 413,
      code: 'payload_too_large',
      message: 'The body is too large',
      steps: [{ step: 'body_size', passed: false, detail: 'larger than the installation allows; it was not read' }],
    };
    return this.refuse(endpoint, request, verdict, refusedAnswer(verdict, request.id));
  }

  private async find(
    address: EndpointAddress,
    name: string | null,
    nowMs: number,
    anew: boolean,
  ): Promise<ReceivingEndpoint> {
    let endpoint: ReceivingEndpoint | null;
    try {
      endpoint = await (anew ? this.endpoints.reload(address) : this.endpoints.find(address));
    } catch (error) {
      if (isDatabaseAway(error)) throw databaseAway(error);
      throw error;
    }
    if (endpoint === null || !endpoint.enabled || (name !== null && endpoint.name !== name)) throw unknownEndpoint();
    if ('key' in address && address.key !== endpoint.urlKey && !isStillValid(endpoint, address.key, nowMs)) {
      throw unknownEndpoint();
    }
    return endpoint;
  }

  /** Null when the endpoint changed meanwhile. */
  private async receiveBy(endpoint: ReceivingEndpoint, request: Incoming): Promise<Answer | null> {
    const nowMs = request.receivedAt.getTime();
    const rules = endpoint.rulesAt(nowMs);
    if (!rules.methods.includes(request.method)) {
      // Asked by providers and browsers to find out about a URL: nothing happens by it.
      const allow = [...new Set([...rules.methods, 'HEAD', 'OPTIONS'])].join(', ');
      if (request.method === 'HEAD') return plainAnswer(200, {}, '');
      if (request.method === 'OPTIONS') return plainAnswer(204, { allow }, '');
    }
    const verdict = judgeRequest(rules, request, request.receivedAt);
    if (verdict.outcome === 'rejected') {
      return this.refuse(endpoint, request, verdict, refusedAnswer(verdict, request.id));
    }
    // Only what is genuine counts, so that a flood of forgeries does not keep others out.
    const budget = await this.budget.take(endpoint);
    if (budget?.granted === 0) {
      const step: StepResult = { step: 'rate_limit', passed: false, detail: `more than ${budget.limit} requests` };
      const limited = { ...verdict, outcome: 'rejected', code: 'rate_limited', status: 429 } as const;
      const answer = limitedAnswer(budget, request.id);
      return this.refuse(endpoint, request, { ...limited, steps: [...verdict.steps, step] }, answer);
    }
    return this.store(endpoint, request, verdict);
  }

  private async store(endpoint: ReceivingEndpoint, request: Incoming, verdict: Verdict): Promise<Answer | null> {
    const { response } = endpoint;
    const isAccepted = verdict.outcome === 'accepted';
    const answer =
      verdict.reply !== undefined
        ? plainAnswer(verdict.reply.status, verdict.reply.headers, verdict.reply.body)
        : acceptedAnswer(
            response,
            request.id,
            isAccepted ? 'accepted' : 'ignored',
            isAccepted ? undefined : verdict.status,
          );
    const receipt = await this.intake.store({
      ...toReceivedRequest(endpoint, request, verdict, answer),
      keys: isAccepted ? keysOf(endpoint, request, verdict) : [],
      runs: isAccepted ? endpoint.actions : [],
    });
    if (receipt.kind === 'stale') return null;
    if (receipt.kind === 'duplicate') {
      this.outcomes.inc({ outcome: 'duplicate' });
      return acceptedAnswer(response, receipt.of ?? request.id, 'duplicate');
    }
    this.outcomes.inc({ outcome: verdict.outcome });
    if (!isAccepted || response.wait !== true) return answer;
    const results = await this.results.until(receipt.runIds, (response.wait_seconds ?? DEFAULT_WAIT_SECONDS) * 1_000);
    return processedAnswer(response, request.id, results);
  }

  private refuse(endpoint: ReceivingEndpoint, request: Incoming, verdict: RefusedVerdict, answer: Answer): Answer {
    this.outcomes.inc({ outcome: 'rejected' });
    if (endpoint.debug) {
      this.rejected.note({ ...toReceivedRequest(endpoint, request, verdict, answer), keys: [], runs: [] });
    }
    return answer;
  }
}

type RefusedVerdict = Omit<Verdict, 'code'> & { code: Verdict['code'] | 'rate_limited' };

/** A verdict as it is stored. */
export function toReceivedRequest(
  endpoint: ReceivingEndpoint,
  request: Incoming,
  verdict: RefusedVerdict,
  answer: Answer,
): Omit<ReceivedRequest, 'keys' | 'runs'> {
  return {
    id: request.id,
    tenantId: endpoint.tenantId,
    endpointId: endpoint.id,
    version: endpoint.version,
    status: verdict.outcome,
    code: verdict.code,
    steps: JSON.stringify(verdict.steps),
    isTest: false,
    replayOf: null,
    ip: request.ip,
    method: request.method,
    path: maskPath(request.path, endpoint),
    query: maskQuery(request.queryText, endpoint.secretNames),
    headers: JSON.stringify(maskHeaders(request.headers, endpoint.secretNames)),
    contentType: headerOf(request, 'content-type'),
    body: request.body,
    responseStatus: answer.status,
    responseHeaders: JSON.stringify(answer.headers),
    // PostgreSQL's text holds no NUL.
    responseBody: answer.body.replaceAll('\0', ''),
  };
}

/** What a request must be the first of: its delivery's id, and what was signed, which a repetition cannot change. */
function keysOf(endpoint: ReceivingEndpoint, request: InboundRequest, verdict: Verdict): Buffer[] {
  const names = [
    ...(verdict.dedupeKey === undefined ? [] : [`id:${verdict.dedupeKey}`]),
    ...[replayKey(endpoint.rulesAt(request.receivedAt.getTime()), request)].flatMap((key) =>
      key === null ? [] : [`signed:${key}`],
    ),
  ];
  return names.map((name) => createHash('sha256').update(name).digest().subarray(0, 16));
}

/** The key is a credential. */
function maskPath(path: string, { urlKey, previousKey }: ReceivingEndpoint): string {
  const masked = path.replaceAll(urlKey, '***');
  return previousKey === null ? masked : masked.replaceAll(previousKey.key, '***');
}

function isStillValid({ previousKey }: ReceivingEndpoint, key: string, nowMs: number): boolean {
  return previousKey !== null && previousKey.key === key && previousKey.untilMs > nowMs;
}

/** The same for what never was, what was deleted and what is switched off. */
function unknownEndpoint(): Error {
  return notFound('Endpoint');
}
