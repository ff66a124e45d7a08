import { createHmac } from 'node:crypto';
import { PatternBudgetExceeded, resetPatternBudget, type LinearPattern } from '#event-schemas/linear-pattern';
import { equals } from '../signatures/verify-signature';
import { referencedText, type RequestValues, type ValueReference } from './request-value';
import type { Match, TriggerRule } from './trigger-rule';

/** Seconds that a Scalr signature may be old or ahead (adnanh/webhook, "Match scalr-signature"). */
const SCALR_TOLERANCE_SECONDS = 300;

export interface RuleResult {
  readonly isSatisfied: boolean;
  /** Whether it is a missing or wrong signature that kept the rule from being satisfied. */
  readonly isForged: boolean;
  /** For the endpoint's owner. */
  readonly detail: string;
}

/** What kept a rule from having an answer: it spreads through `and` and `not`, and `or` passes over what is missing. */
interface Fault {
  readonly kind: 'missing' | 'signature' | 'broken';
  readonly isSignature: boolean;
  readonly detail: string;
}

type Answer = { readonly is: boolean; readonly detail: string } | Fault;

/**
 * Says whether a request satisfies a trigger rule, with adnanh/webhook's semantics: a value that is missing or a wrong
 * signature is no `false` that `not` could turn round, but fails the rule. `or` passes over missing values, and over
 * wrong signatures too when `softFailures` is set. Never throws, and takes time linear in the request.
 */
export function evaluateTriggerRule(
  rule: TriggerRule,
  values: RequestValues,
  now: Date,
  softFailures: boolean,
): RuleResult {
  resetPatternBudget();
  const answer = answerOf(rule, { values, now, softFailures });
  if ('is' in answer) return { isSatisfied: answer.is, isForged: false, detail: answer.detail };
  return { isSatisfied: false, isForged: answer.isSignature, detail: answer.detail };
}

interface Evaluation {
  readonly values: RequestValues;
  readonly now: Date;
  readonly softFailures: boolean;
}

function answerOf(rule: TriggerRule, evaluation: Evaluation): Answer {
  if ('and' in rule) return answerOfAnd(rule.and, evaluation);
  if ('or' in rule) return answerOfOr(rule.or, evaluation);
  if ('match' in rule) return answerOfMatch(rule.match, evaluation);
  const answer = answerOf(rule.not, evaluation);
  return 'is' in answer ? { is: !answer.is, detail: `not (${answer.detail})` } : answer;
}

function answerOfAnd(rules: readonly TriggerRule[], evaluation: Evaluation): Answer {
  const details: string[] = [];
  for (const rule of rules) {
    const answer = answerOf(rule, evaluation);
    if (!('is' in answer) || !answer.is) return answer;
    details.push(answer.detail);
  }
  return { is: true, detail: details.join(' and ') || 'an empty and' };
}

function answerOfOr(rules: readonly TriggerRule[], evaluation: Evaluation): Answer {
  const details: string[] = [];
  for (const rule of rules) {
    const answer = answerOf(rule, evaluation);
    if ('is' in answer && answer.is) return answer;
    const isPassedOver =
      'is' in answer || answer.kind === 'missing' || (answer.kind === 'signature' && evaluation.softFailures);
    if (!isPassedOver) return answer;
    details.push(answer.detail);
  }
  return { is: false, detail: details.join(' or ') || 'an empty or' };
}

function answerOfMatch(match: Match, { values, now }: Evaluation): Answer {
  if (match.type === 'ip') {
    const is = match.ranges.includes(values.ip);
    return { is, detail: `${values.ip} is ${is ? '' : 'not '}in ${match.ranges.entries.join(' ')}` };
  }
  if (match.type === 'scalr') return answerOfScalr(match.secret, values, now);
  const name = nameOf(match.parameter);
  const text = referencedText(match.parameter, values);
  if (text === null) {
    return { kind: 'missing', isSignature: match.type === 'hmac', detail: `${name} is missing` };
  }
  if (match.type === 'regex') return answerOfRegex(match.pattern, text, name);
  if (match.type === 'value') {
    const is = equals(text, match.value);
    return { is, detail: `${name} is ${is ? '' : 'not '}the expected value` };
  }
  return answerOfHmac(match, text, values, name);
}

function answerOfRegex(pattern: LinearPattern, text: string, name: string): Answer {
  try {
    const is = pattern.test(text);
    return { is, detail: `${name} ${is ? 'matches' : 'does not match'} ${pattern.toString()}` };
  } catch (error) {
    if (!(error instanceof PatternBudgetExceeded)) throw error;
    return { kind: 'broken', isSignature: false, detail: `${name} is too long for the rule's expressions` };
  }
}

function answerOfHmac(
  match: Extract<Match, { type: 'hmac' }>,
  text: string,
  values: RequestValues,
  name: string,
): Answer {
  const mac = createHmac(match.algorithm, match.secret).update(values.body);
  for (const header of match.signedHeaders) {
    const value = values.headers[header.toLowerCase()];
    if (typeof value === 'string') mac.update(value);
  }
  const expected = mac.digest('hex');
  const is = signaturesIn(text, `${match.algorithm}=`).some((signature) => equals(signature, expected));
  if (is) return { is: true, detail: `${name} is the signature of the body` };
  return { kind: 'signature', isSignature: true, detail: `${name} is not the signature of the body` };
}

/** One signature, with its prefix or without; or several with commas between, which then need the prefix. */
function signaturesIn(text: string, prefix: string): string[] {
  if (!text.includes(',')) return [text.startsWith(prefix) ? text.slice(prefix.length) : text];
  const parts = text.split(',').map((part) => part.trim());
  return parts.flatMap((part) => (part.startsWith(prefix) ? [part.slice(prefix.length)] : []));
}

/** HMAC-SHA1 over body and Date header, which is like `Fri 08 Sep 2017 11:24:32 UTC`. */
function answerOfScalr(secret: string, values: RequestValues, now: Date): Answer {
  const { 'x-signature': signature, date } = values.headers;
  if (typeof signature !== 'string' || typeof date !== 'string') {
    return { kind: 'missing', isSignature: true, detail: 'X-Signature or Date is missing' };
  }
  const expected = createHmac('sha1', secret).update(values.body).update(date).digest('hex');
  if (!equals(signature, expected)) {
    return { kind: 'signature', isSignature: true, detail: 'X-Signature is not the signature of body and Date' };
  }
  const awaySeconds = Math.abs(now.getTime() - Date.parse(date)) / 1000;
  if (awaySeconds <= SCALR_TOLERANCE_SECONDS) return { is: true, detail: 'Signed by Scalr' };
  return { kind: 'signature', isSignature: true, detail: 'Date is not a time within 5 minutes of ours' };
}

function nameOf({ source, name }: ValueReference): string {
  return name === '' ? source : `${source} ${name}`;
}
