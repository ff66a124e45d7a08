import { parse as parseQuery } from 'node:querystring';
import { Inject, Injectable } from '@nestjs/common';
import { Pool } from 'pg';
import { ENVIRONMENT } from '#config/config.module';
import type { Environment } from '#config/environment';
import { SERVICE_POOL, SECRET_BOX } from '#database/database.module';
import type { SecretBox } from '#database/secret-box';
import { TenantDatabase } from '#database/tenant-database';
import type { EndpointRules } from '#inbound-rules/endpoint-rules';
import type { ValueMap } from '#inbound-rules/inbound-request';
import { judgeRequest } from '#inbound-rules/judge-request';
import { signRequest } from '#inbound-rules/signatures/sign-request';
import type { Verdict } from '#inbound-rules/verdict';
import { AppError, invalidRequest, notFound, unavailable } from '#kernel/app-error';
import { formatId, newUuid } from '#kernel/ids';
import type { Caller } from '../caller/caller';
import { findEndpoint } from './endpoints.queries';
import { findRequest, readBodies, readRuns, type LoggedRun } from './logs.queries';
import { acceptedAnswer, plainAnswer, processedAnswer, refusedAnswer, type Answer } from './receive/answers';
import { findEndpointById } from './receive/endpoint-lookup.queries';
import { toReceivedRequest, type Incoming } from './receive/receiver';
import { toReceivingEndpoint, type ReceivingEndpoint } from './receive/receiving-endpoint';
import { RequestIntake } from './receive/request-intake';
import { RunResults } from './receive/run-results';
import { samplePayload } from '#inbound-rules/sample-payload';

/** How long the actions of a test are waited for. */
const WAIT_MS = 5_000;

/** What the service made of a request of its own. */
export interface OwnResult {
  /** Null for a dry run. */
  requestId: string | null;
  verdict: Verdict;
  body: Buffer;
  runs: LoggedRun[];
  answer: Answer;
}

interface Own {
  isTest: boolean;
  replayOf: string | null;
  isDryRun: boolean;
}

/** Sends endpoints requests of our own, through the very path of those from outside: tests and replays. */
@Injectable()
export class OwnRequestsService {
  constructor(
    @Inject(TenantDatabase) private readonly database: TenantDatabase,
    @Inject(SERVICE_POOL) private readonly pool: Pool,
    @Inject(SECRET_BOX) private readonly box: SecretBox,
    @Inject(ENVIRONMENT) private readonly environment: Environment,
    private readonly intake: RequestIntake,
    private readonly results: RunResults,
  ) {}

  /**
   * Signs a payload as a sender would, and receives it.
   * @throws AppError 404; 400 for a payload that is too large; 503.
   */
  async test(caller: Caller, nameOrId: string, payload: unknown, isDryRun: boolean): Promise<OwnResult> {
    const { endpoint, schema } = await this.load(caller, nameOrId);
    const now = new Date();
    const rules = endpoint.rulesAt(now.getTime());
    const id = newUuid(now.getTime());
    const body = Buffer.from(JSON.stringify(payload === undefined ? samplePayload(schema, now) : payload));
    if (body.length > rules.maxBodyBytes) {
      throw invalidRequest([{ field: 'payload', message: `must have at most ${rules.maxBodyBytes} bytes as JSON` }]);
    }
    const [secret = ''] = rules.secrets;
    const deliveryId = formatId('req', id);
    const request: Incoming = {
      ...describeOwn(endpoint),
      id,
      method: rules.methods[0] ?? 'POST',
      headers: {
        'content-type': rules.contentType ?? 'application/json',
        'user-agent': 'webhooks-test',
        ...(rules.dedupe !== null && 'header' in rules.dedupe && { [rules.dedupe.header]: deliveryId }),
        ...signRequest(rules.signature, secret, body, now, deliveryId),
      },
      body,
      ip: rules.allowedIps === null ? caller.clientIp : (rules.allowedIps.entries[0]?.split('/')[0] ?? caller.clientIp),
      receivedAt: now,
    };
    return this.receive(caller, endpoint, rules, request, { isTest: true, replayOf: null, isDryRun });
  }

  /**
   * Receives a logged request once more. Its owner answers for it: signature, address and repetition are not checked
   * again, and neither is a trigger rule that it satisfied before.
   * @throws AppError 404; 410 when its body is no longer kept; 503.
   */
  async replay(caller: Caller, nameOrId: string, requestId: string): Promise<OwnResult> {
    const { endpoint } = await this.load(caller, nameOrId);
    const { row, body } = await this.database.run(caller.tenantId, async (manager) => {
      const found = await findRequest(manager, caller.tenantId, endpoint.id, requestId);
      if (found === null) throw notFound('Request');
      return { row: found, body: (await readBodies(manager, caller.tenantId, [requestId])).get(requestId) };
    });
    if (body === undefined && row.body_bytes > 0) {
      throw new AppError(410, 'payload_gone', 'The body of this request is no longer kept');
    }
    const now = new Date();
    const rules = endpoint.rulesAt(now.getTime());
    const wasWanted = row.status === 'accepted' || row.status === 'duplicate';
    const vouched: EndpointRules = {
      ...rules,
      methods: [row.method],
      allowedIps: null,
      signature: { scheme: 'none' },
      triggerRule: wasWanted ? null : rules.triggerRule,
    };
    const request: Incoming = {
      ...describeOwn(endpoint),
      id: newUuid(now.getTime()),
      method: row.method,
      headers: JSON.parse(row.headers) as ValueMap,
      query: parseQuery(row.query),
      queryText: row.query,
      body: body ?? Buffer.alloc(0),
      ip: row.ip,
      receivedAt: now,
    };
    const own = { isTest: false, replayOf: requestId, isDryRun: false };
    return this.receive(caller, endpoint, vouched, request, own);
  }

  private async load(caller: Caller, nameOrId: string): Promise<{ endpoint: ReceivingEndpoint; schema: unknown }> {
    const { id } = await this.database.run(caller.tenantId, (manager) => findEndpoint(manager, caller, nameOrId));
    const row = await findEndpointById(this.pool, caller.tenantId, id);
    if (row === undefined) throw notFound('Inbound endpoint');
    const schema = row.schema === null ? null : (JSON.parse(row.schema) as unknown);
    return { endpoint: toReceivingEndpoint(row, this.box, this.environment.inboundMaxBodyBytes), schema };
  }

  private async receive(
    { tenantId }: Caller,
    endpoint: ReceivingEndpoint,
    rules: EndpointRules,
    request: Incoming,
    { isTest, replayOf, isDryRun }: Own,
  ): Promise<OwnResult> {
    const verdict = vouchedFor(judgeRequest(rules, request, request.receivedAt), replayOf !== null);
    const answer = answerOf(endpoint, request, verdict);
    const { body } = request;
    if (isDryRun) return { requestId: null, verdict, body, runs: [], answer };
    const receipt = await this.intake.store({
      ...toReceivedRequest(endpoint, request, verdict, answer),
      isTest,
      replayOf,
      keys: [],
      runs: verdict.outcome === 'accepted' ? endpoint.actions : [],
    });
    if (receipt.kind !== 'stored') throw unavailable('The endpoint was changed meanwhile; please try again', 1);
    const results = await this.results.until(receipt.runIds, WAIT_MS);
    const runs = await this.database.run(tenantId, (manager) => readRuns(manager, tenantId, [request.id]));
    const waits = endpoint.response.wait === true && verdict.outcome === 'accepted';
    return {
      requestId: request.id,
      verdict,
      body,
      runs: runs.get(request.id) ?? [],
      answer: waits ? processedAnswer(endpoint.response, request.id, results) : answer,
    };
  }
}

/** The verdict of a replay says that nobody looked at the signature, not that the endpoint takes requests without one. */
function vouchedFor(verdict: Verdict, isReplay: boolean): Verdict {
  if (!isReplay) return verdict;
  const steps = verdict.steps.map((step) =>
    step.step === 'signature'
      ? { ...step, detail: 'Not checked again: whoever replays a request answers for it' }
      : step,
  );
  return { ...verdict, steps };
}

function answerOf(endpoint: ReceivingEndpoint, request: Incoming, verdict: Verdict): Answer {
  if (verdict.outcome === 'rejected') return refusedAnswer(verdict, request.id);
  const { reply } = verdict;
  if (reply !== undefined) return plainAnswer(reply.status, reply.headers, reply.body);
  if (verdict.outcome === 'accepted') return acceptedAnswer(endpoint.response, request.id, 'accepted');
  return acceptedAnswer(endpoint.response, request.id, 'ignored', verdict.status);
}

function describeOwn({ name }: ReceivingEndpoint): Pick<Incoming, 'path' | 'query' | 'queryText'> {
  return { path: `/webhooks/***/${name}`, query: {}, queryText: '' };
}
