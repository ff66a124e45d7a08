import { isJsonObject } from '#event-schemas/json-schema';
import { compileEndpointRules, type EndpointSettings } from '#inbound-rules/compile-endpoint-rules';
import type { EndpointRules } from '#inbound-rules/endpoint-rules';
import { headersOfRule } from '#inbound-rules/masking';
import { readRateLimit, readResponse, type RateLimit, type ResponseSettings } from '#inbound-rules/response-settings';
import { invalidRequest, type ErrorDetail } from '#kernel/app-error';
import { isUsableSecret } from '#webhook-rules/signature';
import { camelKeys, inCallersNames, snakeKeys } from './field-names';
import type { EndpointRow } from './storage/endpoints.queries';
import type { TextSeal } from './text-seal';
import type { NewWebhook, WebhookSettings } from './webhook-types';

/** What a definition is read and compiled with. */
export interface DefinitionDefaults {
  readonly validateSignatures: boolean;
  readonly maxBodyBytes: number;
}

/** An endpoint as it was created, in the names of the rules. */
type Definition = EndpointSettings & {
  description?: string;
  response?: unknown;
  rate_limit?: unknown;
  debug?: boolean;
};

/** A secret; `valid_until` is null for the present one. */
export interface StoredSecret {
  secret: string;
  valid_until: number | null;
}

/** An endpoint ready to receive. */
export interface Endpoint {
  readonly row: EndpointRow;
  readonly definition: Definition;
  readonly secrets: readonly StoredSecret[];
  readonly rules: EndpointRules;
  readonly response: ResponseSettings;
  readonly rateLimit: RateLimit | null;
  readonly debug: boolean;
  /** Lower-case names of headers and parameters whose values are secret. */
  readonly secretNames: ReadonlySet<string>;
}

const NAME = /^[a-z0-9][a-z0-9._-]{0,62}$/;
const MAX_DESCRIPTION_LENGTH = 2_000;
const KNOWN = new Set([
  ...['name', 'secret', 'description', 'schema', 'methods', 'allowedIps', 'signature', 'triggerRule'],
  ...['triggerMismatchStatus', 'dedupe', 'contentType', 'bodyKinds', 'maxBodyBytes', 'response', 'rateLimit', 'debug'],
]);

/** @throws AppError 400 naming every field that is wrong and what is allowed there. */
export function readDefinition(given: NewWebhook, defaults: DefinitionDefaults): Definition {
  const problems: ErrorDetail[] = [];
  const { name, secret, ...settings } = given as NewWebhook & Record<string, unknown>;
  if (typeof name !== 'string' || !NAME.test(name)) {
    problems.push({ field: 'name', message: 'must have 1 to 63 of a-z, 0-9, ., _ and -, and begin with a-z or 0-9' });
  }
  if (secret !== undefined) problems.push(...secretProblems(secret, 'secret'));
  for (const field of Object.keys(given)) {
    if (!KNOWN.has(field)) problems.push({ field, message: `is not known; allowed are ${[...KNOWN].join(', ')}` });
  }
  const { description, debug } = settings;
  if (description !== undefined && !(typeof description === 'string' && description.length <= MAX_DESCRIPTION_LENGTH)) {
    problems.push({ field: 'description', message: `must be a text of at most ${MAX_DESCRIPTION_LENGTH} characters` });
  }
  if (debug !== undefined && typeof debug !== 'boolean')
    problems.push({ field: 'debug', message: 'must be true or false' });
  const definition = toDefinition(settings);
  compile(definition, [], defaults, problems);
  if (problems.length > 0) throw invalidRequest(inCallersNames(problems));
  return definition;
}

/** What is wrong with a secret: 6 to 256 characters (DESIGN.md, "Bounds"). */
export function secretProblems(secret: unknown, field: string): ErrorDetail[] {
  if (typeof secret === 'string' && secret.length >= 6 && secret.length <= 256 && isUsableSecret(secret)) return [];
  return [{ field, message: 'must be a text of 6 to 256 characters, or whsec_ followed by base64' }];
}

/** @param nowMs secrets that were replaced are valid until their time. */
export function readEndpoint(row: EndpointRow, seal: TextSeal, defaults: DefinitionDefaults, nowMs: number): Endpoint {
  const definition = JSON.parse(row.definition) as Definition;
  const secrets = JSON.parse(seal.unseal(row.secrets, secretsContext(row.id))) as StoredSecret[];
  const valid = secrets.filter(({ valid_until: until }) => until === null || until > nowMs).map(({ secret }) => secret);
  const problems: ErrorDetail[] = [];
  const compiled = compile(definition, valid, defaults, problems);
  if (compiled === null) {
    // It was read before it was stored, perhaps by another version, or with a larger limit of the manager.
    throw new Error(`${row.name}: ${problems.map(({ field, message }) => `${field} ${message}`).join('; ')}`);
  }
  const { scheme, header } = compiled.rules.signature;
  return {
    ...compiled,
    row,
    definition,
    secrets,
    debug: definition.debug === true,
    secretNames: new Set([
      ...headersOfRule(definition.trigger_rule),
      ...(scheme === 'gitlab' && header !== undefined ? [header] : []),
    ]),
  };
}

/** The settings as they were given. */
export function shownSettings(definition: Definition): WebhookSettings {
  const { signature, rate_limit: rateLimit, ...settings } = definition;
  return {
    ...camelKeys(settings),
    ...(signature !== undefined && { signature: isJsonObject(signature) ? camelKeys(signature) : signature }),
    ...(rateLimit !== undefined && { rateLimit: camelKeys(rateLimit as object) }),
  } as WebhookSettings;
}

/** What a secret is sealed for. */
export function secretsContext(endpointId: string): string {
  return `webhook_manager_endpoint:${endpointId}:secrets`;
}

function toDefinition(settings: Record<string, unknown>): Definition {
  const { signature, rateLimit, ...others } = settings;
  return {
    ...snakeKeys(others),
    ...(signature !== undefined && { signature: isJsonObject(signature) ? snakeKeys(signature) : signature }),
    ...(rateLimit !== undefined && { rate_limit: isJsonObject(rateLimit) ? snakeKeys(rateLimit) : rateLimit }),
  };
}

function compile(
  definition: Definition,
  secrets: readonly string[],
  { validateSignatures, maxBodyBytes }: DefinitionDefaults,
  problems: ErrorDetail[],
): Pick<Endpoint, 'rules' | 'response' | 'rateLimit'> | null {
  const signature = definition.signature ?? (validateSignatures ? undefined : 'none');
  const compiled = compileEndpointRules({ ...definition, signature }, secrets, maxBodyBytes);
  if ('problems' in compiled) problems.push(...compiled.problems);
  const response = readResponse(definition.response, problems);
  const rateLimit = readRateLimit(definition.rate_limit, problems);
  return 'problems' in compiled || problems.length > 0 ? null : { rules: compiled.rules, response, rateLimit };
}
