import type { ErrorDetail } from '#kernel/app-error';
import type { CheckData } from '#event-schemas/compile-schema';
import { readSchema } from '#event-schemas/read-schema';
import { readAddressList } from './address-list';
import { BODY_KINDS, parseContentType, type BodyKind } from './bodies/content-type';
import { readDedupe } from './dedupe';
import type { EndpointRules } from './endpoint-rules';
import { readSignatureSettings } from './signatures/read-signature-settings';
import { readTriggerRule } from './trigger-rules/read-trigger-rule';
import { readJsonParameterList } from './trigger-rules/read-value-reference';

/** The settings of an endpoint that decide on its requests, as the API and the database have them; none is required. */
export interface EndpointSettings {
  readonly methods?: unknown;
  readonly allowed_ips?: unknown;
  readonly signature?: unknown;
  readonly content_type?: unknown;
  readonly body_kinds?: unknown;
  readonly schema?: unknown;
  readonly parse_as_json?: unknown;
  readonly trigger_rule?: unknown;
  readonly trigger_mismatch_status?: unknown;
  readonly trigger_signature_soft_failures?: unknown;
  readonly dedupe?: unknown;
  readonly max_body_bytes?: unknown;
}

export const INBOUND_METHODS = ['GET', 'HEAD', 'POST', 'PUT', 'PATCH', 'DELETE'] as const;

/** What an endpoint takes unless it says otherwise. */
const DEFAULT_METHODS: readonly string[] = ['POST'];

/**
 * Makes an endpoint's settings ready to judge requests by, or says of every one that is wrong what is allowed there.
 * @param secrets those that are valid now, newest first.
 * @param maxBodyBytes what the operator allows at most, and the default.
 */
export function compileEndpointRules(
  settings: EndpointSettings,
  secrets: readonly string[],
  maxBodyBytes: number,
): { rules: EndpointRules } | { problems: ErrorDetail[] } {
  const problems: ErrorDetail[] = [];
  const signature = readSignatureSettings(settings.signature, problems);
  const rules: EndpointRules = {
    methods: readMethods(settings.methods, problems),
    allowedIps: readAddressList(settings.allowed_ips, 'allowed_ips', problems),
    signature,
    secrets,
    contentType: readContentType(settings.content_type, problems),
    bodyKinds: readBodyKinds(settings.body_kinds, problems),
    schema: readSchemaSetting(settings.schema, problems),
    jsonParameters: readJsonParameterList(settings.parse_as_json, 'parse_as_json', problems),
    triggerRule: readTriggerRule(settings.trigger_rule, 'trigger_rule', problems),
    triggerMismatchStatus: readInteger(settings.trigger_mismatch_status, 'trigger_mismatch_status', 200, 599, problems),
    triggerSignatureSoftFailures: readBoolean(
      settings.trigger_signature_soft_failures,
      'trigger_signature_soft_failures',
      problems,
    ),
    dedupe: readDedupe(settings.dedupe, signature.scheme, problems),
    maxBodyBytes: readInteger(settings.max_body_bytes, 'max_body_bytes', 1, maxBodyBytes, problems) ?? maxBodyBytes,
  };
  return problems.length > 0 ? { problems } : { rules };
}

function readMethods(given: unknown, problems: ErrorDetail[]): readonly string[] {
  if (given === undefined || given === null) return DEFAULT_METHODS;
  const methods = Array.isArray(given)
    ? given.map((method) => (typeof method === 'string' ? method.toUpperCase() : ''))
    : [];
  if (methods.length > 0 && methods.every((method) => (INBOUND_METHODS as readonly string[]).includes(method))) {
    return [...new Set(methods)];
  }
  problems.push({ field: 'methods', message: `must be a list of ${INBOUND_METHODS.join(', ')}` });
  return DEFAULT_METHODS;
}

function readContentType(given: unknown, problems: ErrorDetail[]): string | null {
  if (given === undefined || given === null) return null;
  if (typeof given === 'string' && (parseContentType(given)?.kind ?? null) !== null) return given;
  problems.push({
    field: 'content_type',
    message: 'must be the type of JSON, a form, multipart/form-data, XML or text, such as application/json',
  });
  return null;
}

function readBodyKinds(given: unknown, problems: ErrorDetail[]): readonly BodyKind[] | null {
  if (given === undefined || given === null) return null;
  if (Array.isArray(given) && given.length > 0 && given.every((kind) => BODY_KINDS.includes(kind as BodyKind))) {
    return given as BodyKind[];
  }
  problems.push({ field: 'body_kinds', message: `must be a list of ${BODY_KINDS.join(', ')}` });
  return null;
}

function readSchemaSetting(given: unknown, problems: ErrorDetail[]): CheckData | null {
  if (given === undefined || given === null) return null;
  const read = readSchema(given);
  if ('check' in read) return read.check;
  problems.push(read.problem);
  return null;
}

function readInteger(given: unknown, field: string, min: number, max: number, problems: ErrorDetail[]): number | null {
  if (given === undefined || given === null) return null;
  if (Number.isInteger(given) && Number(given) >= min && Number(given) <= max) return Number(given);
  problems.push({ field, message: `must be a whole number from ${min} to ${max}` });
  return null;
}

function readBoolean(given: unknown, field: string, problems: ErrorDetail[]): boolean {
  if (typeof given === 'boolean') return given;
  if (given !== undefined && given !== null) problems.push({ field, message: 'must be true or false' });
  return false;
}
