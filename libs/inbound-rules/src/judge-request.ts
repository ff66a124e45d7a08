import type { BodyKind } from './bodies/content-type';
import { contextValues, parseBody } from './bodies/parse-body';
import { dedupeKeyOf } from './dedupe';
import type { EndpointRules } from './endpoint-rules';
import { headerOf, type InboundRequest } from './inbound-request';
import { challengeReply } from './signatures/challenge';
import { verifySignature } from './signatures/verify-signature';
import { evaluateTriggerRule } from './trigger-rules/evaluate-trigger-rule';
import { readJsonParameters } from './trigger-rules/request-value';
import type { Outcome, Reply, Step, StepResult, Verdict, VerdictCode } from './verdict';

/**
 * Judges a request by its endpoint's rules, cheapest and most telling first: method, address, size, signature, body,
 * challenge, schema, trigger rule; the first that fails decides. Rate limit and duplicates are the caller's, since they
 * need state. Never throws.
 */
export function judgeRequest(rules: EndpointRules, request: InboundRequest, now: Date): Verdict {
  const trail = new Trail();
  const method = request.method.toUpperCase();
  if (!trail.add('method', rules.methods.includes(method), `${method} of ${rules.methods.join(', ')}`)) {
    return trail.reject(405, 'method_not_allowed', `The method must be ${rules.methods.join(' or ')}`, {
      headers: { allow: rules.methods.join(', ') },
    });
  }
  if (rules.allowedIps !== null) {
    const isAllowed = rules.allowedIps.includes(request.ip);
    if (!trail.add('address', isAllowed, `${request.ip} is ${isAllowed ? '' : 'not '}in the allowed addresses`)) {
      return trail.reject(403, 'address_not_allowed', 'Requests from this address are not allowed');
    }
  }
  const bytes = request.body.length;
  if (!trail.add('body_size', bytes <= rules.maxBodyBytes, `${bytes} of at most ${rules.maxBodyBytes} bytes`)) {
    return trail.reject(413, 'payload_too_large', `The body must have at most ${rules.maxBodyBytes} bytes`);
  }
  const signature = verifySignature(rules.signature, rules.secrets, request, now);
  if (!trail.add('signature', signature.passed, signature.detail)) {
    return trail.reject(401, 'invalid_signature', 'The signature is missing or not valid');
  }
  const parsed = parseBody(rules.contentType ?? headerOf(request, 'content-type'), request.body);
  if (!('payload' in parsed)) {
    trail.add('body', false, parsed.message);
    return trail.reject(parsed.status, parsed.code, parsed.message);
  }
  if (!trail.add('body', isTaken(rules, parsed.kind), `${parsed.kind}, ${bytes} bytes`)) {
    const kinds = (rules.bodyKinds ?? []).join(' or ');
    return trail.reject(415, 'unsupported_media_type', `The body must be ${kinds}`);
  }
  const { values, unread } = readJsonParameters(contextValues(request, parsed), rules.jsonParameters);
  for (const name of unread) trail.add('body', true, `${name} is not there or not JSON and stays as it is`);
  trail.payload = values.payload;

  const challenge = challengeReply(rules.signature.scheme, request, values.payload);
  if (challenge !== null) {
    trail.add('challenge', true, challenge.detail);
    return trail.end('challenge', 200, 'challenge', challenge.detail, challenge.reply);
  }
  if (rules.schema !== null) {
    const problems = rules.schema(values.payload, 'payload').map(({ field, message }) => `${field} ${message}`);
    if (!trail.add('schema', problems.length === 0, problems.join('; ') || 'the payload satisfies it')) {
      return trail.reject(422, 'schema_mismatch', "The body does not satisfy the endpoint's schema");
    }
  }
  if (rules.triggerRule !== null) {
    const result = evaluateTriggerRule(rules.triggerRule, values, now, rules.triggerSignatureSoftFailures);
    if (!trail.add('trigger_rule', result.isSatisfied, result.detail)) {
      if (!result.isForged) {
        return trail.end(
          'ignored',
          rules.triggerMismatchStatus ?? 200,
          'ignored',
          'The request does not trigger anything',
        );
      }
      const status = rules.triggerMismatchStatus ?? 401;
      return trail.reject(status, 'invalid_signature', 'The signature is missing or not valid');
    }
  }
  const dedupeKey = dedupeKeyOf(rules.dedupe, request, values.payload);
  return { ...trail.end('accepted', 200, 'accepted', 'Accepted'), ...(dedupeKey === null ? {} : { dedupeKey }) };
}

/** A request without body is for the schema and the trigger rule to refuse. */
function isTaken({ bodyKinds }: EndpointRules, kind: BodyKind | 'empty'): boolean {
  return bodyKinds === null || kind === 'empty' || bodyKinds.includes(kind);
}

/** The steps so far, and the verdicts that they lead to. */
class Trail {
  private readonly steps: StepResult[] = [];
  payload: unknown;

  /** Answers `passed`. */
  add(step: Step, passed: boolean, detail: string): boolean {
    this.steps.push({ step, passed, detail });
    return passed;
  }

  reject(status: number, code: VerdictCode, message: string, reply?: Pick<Reply, 'headers'>): Verdict {
    return this.end('rejected', status, code, message, reply && { ...reply, status, body: message });
  }

  end(outcome: Outcome, status: number, code: VerdictCode, message: string, reply?: Reply): Verdict {
    return {
      outcome,
      status,
      code,
      message,
      steps: this.steps,
      ...(this.payload === undefined ? {} : { payload: this.payload }),
      ...(reply === undefined ? {} : { reply }),
    };
  }
}
