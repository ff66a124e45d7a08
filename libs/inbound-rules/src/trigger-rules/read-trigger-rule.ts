import type { ErrorDetail } from '#kernel/app-error';
import { isJsonObject } from '#event-schemas/json-schema';
import { LinearPattern } from '#event-schemas/linear-pattern';
import { readAddressList } from '../address-list';
import { readHeaderName, refuseUnknown } from '../read-settings';
import type { HMAC_ALGORITHMS } from '../signatures/signature-settings';
import { readValueReference } from './read-value-reference';
import type { Match, TriggerRule } from './trigger-rule';

const OPERATORS = ['and', 'or', 'not', 'match'] as const;
const MAX_DEPTH = 20;
const MAX_MATCHES = 200;
const MAX_TEXT = 4_096;
/** What compiling all the expressions of a rule may take; one of 256 characters is within it. */
const MAX_PATTERN_WEIGHT = 10_000;

/** Also the names that adnanh/webhook had for them before. */
const HMAC_TYPES: Readonly<Record<string, (typeof HMAC_ALGORITHMS)[number]>> = {
  'payload-hmac-sha1': 'sha1',
  'payload-hmac-sha256': 'sha256',
  'payload-hmac-sha512': 'sha512',
  'payload-hash-sha1': 'sha1',
  'payload-hash-sha256': 'sha256',
  'payload-hash-sha512': 'sha512',
};
const MATCH_TYPES = ['value', 'regex', ...Object.keys(HMAC_TYPES), 'scalr-signature', 'ip-whitelist'];

/**
 * Reads a trigger rule with adnanh/webhook's operators; null when there is none, or, with a problem naming the place,
 * when it is wrong.
 */
export function readTriggerRule(given: unknown, field: string, problems: ErrorDetail[]): TriggerRule | null {
  if (given === undefined || given === null) return null;
  return new Reader(problems).rule(given, field, 1);
}

class Reader {
  private matches = 0;
  private patternWeight = 0;

  constructor(private readonly problems: ErrorDetail[]) {}

  rule(given: unknown, field: string, depth: number): TriggerRule | null {
    const [operator, ...further] = isJsonObject(given) ? Object.keys(given) : [];
    if (!isJsonObject(given) || operator === undefined || further.length > 0 || !isOperator(operator)) {
      return this.refuse(field, `must be an object with exactly one of ${OPERATORS.join(', ')}`);
    }
    if (depth > MAX_DEPTH) return this.refuse(field, `must not be nested more than ${MAX_DEPTH} levels deep`);
    const operand = given[operator];
    const at = `${field}.${operator}`;
    if (operator === 'match') {
      const match = this.match(operand, at);
      return match && { match };
    }
    if (operator === 'not') {
      const not = this.rule(operand, at, depth + 1);
      return not && { not };
    }
    if (!Array.isArray(operand) || operand.length === 0) return this.refuse(at, 'must be a list of rules, not empty');
    const rules = operand.map((rule: unknown, index) => this.rule(rule, `${at}[${index}]`, depth + 1));
    const read = rules.filter((rule) => rule !== null);
    if (read.length < rules.length) return null;
    return operator === 'and' ? { and: read } : { or: read };
  }

  private match(given: unknown, field: string): Match | null {
    this.matches += 1;
    if (this.matches > MAX_MATCHES)
      return this.refuse(field, `is one match too many: a rule has at most ${MAX_MATCHES}`);
    if (!isJsonObject(given)) return this.refuse(field, 'must be an object with type and parameter');
    const type = given['type'];
    if (typeof type !== 'string' || !MATCH_TYPES.includes(type)) {
      return this.refuse(`${field}.type`, `must be one of ${MATCH_TYPES.join(', ')}`);
    }
    if (type === 'ip-whitelist') return this.ipMatch(given, field);
    if (type === 'scalr-signature') {
      refuseUnknown(given, ['type', 'secret'], field, this.problems);
      const secret = this.text(given['secret'], `${field}.secret`);
      return secret === null ? null : { type: 'scalr', secret };
    }
    const algorithm = HMAC_TYPES[type];
    if (algorithm !== undefined) return this.hmacMatch(algorithm, given, field);
    return type === 'regex' ? this.regexMatch(given, field) : this.valueMatch(given, field);
  }

  private valueMatch(given: Record<string, unknown>, field: string): Match | null {
    refuseUnknown(given, ['type', 'value', 'parameter'], field, this.problems);
    const parameter = readValueReference(given['parameter'], `${field}.parameter`, this.problems);
    const value = given['value'];
    if (typeof value !== 'string' && typeof value !== 'number' && typeof value !== 'boolean') {
      return this.refuse(`${field}.value`, 'must be a text, a number, true or false');
    }
    return parameter && { type: 'value', value: String(value), parameter };
  }

  private regexMatch(given: Record<string, unknown>, field: string): Match | null {
    refuseUnknown(given, ['type', 'regex', 'parameter'], field, this.problems);
    const parameter = readValueReference(given['parameter'], `${field}.parameter`, this.problems);
    const regex = given['regex'];
    if (typeof regex !== 'string') return this.refuse(`${field}.regex`, 'must be a regular expression');
    try {
      const pattern = new LinearPattern(regex);
      this.patternWeight += pattern.weight;
      if (this.patternWeight > MAX_PATTERN_WEIGHT) {
        return this.refuse(`${field}.regex`, 'is too much: the expressions of the rule are too large together');
      }
      return parameter && { type: 'regex', pattern, parameter };
    } catch (error) {
      return this.refuse(`${field}.regex`, (error as Error).message);
    }
  }

  private hmacMatch(
    algorithm: (typeof HMAC_ALGORITHMS)[number],
    given: Record<string, unknown>,
    field: string,
  ): Match | null {
    refuseUnknown(given, ['type', 'secret', 'parameter'], field, this.problems);
    const at = `${field}.parameter`;
    const parameter = readValueReference(given['parameter'], at, this.problems, [SIGNED_HEADERS]);
    const secret = this.text(given['secret'], `${field}.secret`);
    const headers = isJsonObject(given['parameter']) ? (given['parameter'][SIGNED_HEADERS] ?? []) : [];
    if (!Array.isArray(headers)) return this.refuse(`${at}.${SIGNED_HEADERS}`, 'must be a list of header names');
    const signedHeaders = headers.flatMap(
      (name, index) => readHeaderName(name, `${at}.${SIGNED_HEADERS}[${index}]`, this.problems) ?? [],
    );
    return parameter && secret !== null ? { type: 'hmac', algorithm, secret, parameter, signedHeaders } : null;
  }

  private ipMatch(given: Record<string, unknown>, field: string): Match | null {
    refuseUnknown(given, ['type', 'ip-range'], field, this.problems);
    const range = this.text(given['ip-range'], `${field}.ip-range`);
    if (range === null) return null;
    const ranges = readAddressList(range.split(/\s+/).filter(Boolean), `${field}.ip-range`, this.problems);
    return ranges && { type: 'ip', ranges };
  }

  /** Not empty: by an empty secret anybody could sign, and an empty range allows nobody. */
  private text(given: unknown, field: string): string | null {
    if (typeof given === 'string' && given.trim() !== '' && given.length <= MAX_TEXT) return given;
    return this.refuse(field, `must be a text of 1 to ${MAX_TEXT} characters`);
  }

  private refuse(field: string, message: string): null {
    this.problems.push({ field, message });
    return null;
  }
}

const SIGNED_HEADERS = 'headers-to-add-to-signature-payload';

function isOperator(name: string): name is (typeof OPERATORS)[number] {
  return (OPERATORS as readonly string[]).includes(name);
}
