import { openJson, sealJson } from '#database/inbound-secrets';
import type { SecretBox } from '#database/secret-box';
import type { InboundEndpointEntity } from '#database/entities/inbound-endpoint.entity';
import { compileEndpointRules, type EndpointSettings } from '#inbound-rules/compile-endpoint-rules';
import type { EndpointRules } from '#inbound-rules/endpoint-rules';
import { invalidRequest, type ErrorDetail } from '#kernel/app-error';
import { readRateLimit, readResponse } from '#inbound-rules/response-settings';

/** What can be set of an endpoint and decides on requests and answers, as the API has it. */
export interface EndpointDefinition extends EndpointSettings {
  readonly response?: unknown;
  readonly rate_limit?: unknown;
}

/** Columns of `inbound_endpoints` in which a definition is stored. */
export type DefinitionColumns = Pick<
  InboundEndpointEntity,
  | 'methods'
  | 'body'
  | 'schema'
  | 'allowedIps'
  | 'signature'
  | 'sealedTriggerRule'
  | 'triggerOptions'
  | 'dedupe'
  | 'response'
  | 'rateLimit'
>;

/**
 * Reads a definition into columns.
 * @throws AppError 400 that names every setting that is wrong and what is allowed there.
 */
export function toColumns(
  definition: EndpointDefinition,
  id: string,
  box: SecretBox,
  maxBodyBytes: number,
): DefinitionColumns {
  const problems: ErrorDetail[] = [];
  const compiled = compileEndpointRules(definition, [], maxBodyBytes);
  if ('problems' in compiled) problems.push(...compiled.problems);
  const response = readResponse(definition.response, problems);
  const rateLimit = readRateLimit(definition.rate_limit, problems);
  if (problems.length > 0 || 'problems' in compiled) throw invalidRequest(problems);
  const { rules } = compiled;
  return {
    methods: [...rules.methods],
    body: {
      ...(rules.contentType !== null && { content_type: rules.contentType }),
      ...(rules.bodyKinds !== null && { body_kinds: rules.bodyKinds }),
      ...(rules.jsonParameters.length > 0 && { json_parameters: rules.jsonParameters }),
      ...(isGiven(definition.max_body_bytes) && { max_bytes: rules.maxBodyBytes }),
    },
    schema: isGiven(definition.schema) ? JSON.stringify(definition.schema) : null,
    allowedIps: [...(rules.allowedIps?.entries ?? [])],
    signature: { ...rules.signature },
    sealedTriggerRule: isGiven(definition.trigger_rule)
      ? sealJson(box, 'inbound_endpoint:trigger_rule', id, definition.trigger_rule)
      : null,
    triggerOptions: {
      ...(rules.triggerMismatchStatus !== null && { mismatch_status: rules.triggerMismatchStatus }),
      ...(rules.triggerSignatureSoftFailures && { soft_signature_failures: true }),
    },
    dedupe: definition.dedupe === undefined ? null : definition.dedupe === null ? false : { ...rules.dedupe },
    response: { ...response },
    rateLimit: rateLimit === null ? null : { ...rateLimit },
  };
}

/** The stored columns as the API has them: what {@link toColumns} made them of. */
export function toDefinition(
  columns: DefinitionColumns & { id: string },
  box: SecretBox,
): Required<EndpointDefinition> {
  const { body, triggerOptions } = columns;
  return {
    methods: columns.methods,
    content_type: body['content_type'] ?? null,
    body_kinds: body['body_kinds'] ?? null,
    parse_as_json: body['json_parameters'] ?? null,
    max_body_bytes: body['max_bytes'] ?? null,
    schema: columns.schema === null ? null : (JSON.parse(columns.schema) as unknown),
    allowed_ips: columns.allowedIps,
    signature: columns.signature,
    trigger_rule:
      columns.sealedTriggerRule === null
        ? null
        : openJson(box, 'inbound_endpoint:trigger_rule', columns.id, columns.sealedTriggerRule),
    trigger_mismatch_status: triggerOptions['mismatch_status'] ?? null,
    trigger_signature_soft_failures: triggerOptions['soft_signature_failures'] ?? false,
    // Undefined means the scheme's own, null none; stored the other way round, since SQL has one null only.
    dedupe: columns.dedupe === null ? undefined : columns.dedupe === false ? null : columns.dedupe,
    response: columns.response,
    rate_limit: columns.rateLimit,
  };
}

/**
 * Rules of stored columns, without secrets.
 * @throws Error when they are not acceptable any more, as after the operator lowered a limit.
 */
export function toRules(definition: Required<EndpointDefinition>, maxBodyBytes: number): EndpointRules {
  const wanted = definition.max_body_bytes;
  const max_body_bytes = typeof wanted === 'number' ? Math.min(wanted, maxBodyBytes) : null;
  const compiled = compileEndpointRules({ ...definition, max_body_bytes }, [], maxBodyBytes);
  if ('rules' in compiled) return compiled.rules;
  throw new Error(compiled.problems.map(({ field, message }) => `${field}: ${message}`).join('; '));
}

function isGiven(value: unknown): boolean {
  return value !== undefined && value !== null;
}
