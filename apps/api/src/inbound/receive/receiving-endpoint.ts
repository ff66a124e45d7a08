import { openJson, type StoredSecret } from '#database/inbound-secrets';
import type { SecretBox } from '#database/secret-box';
import type { EndpointRules } from '#inbound-rules/endpoint-rules';
import type { RateLimit, ResponseSettings } from '#inbound-rules/response-settings';
import { toDefinition, toRules } from '../endpoint-settings';
import type { EndpointRow } from './endpoint-lookup.queries';
import { headersOfRule } from '#inbound-rules/masking';
import type { WantedRun } from './received-request';

/** An endpoint ready to receive: everything decrypted and compiled once per version, not per request. */
export interface ReceivingEndpoint {
  id: string;
  tenantId: string;
  name: string;
  version: string;
  enabled: boolean;
  urlKey: string;
  /** Null for none; Unix ms until which it works. */
  previousKey: { key: string; untilMs: number } | null;
  response: ResponseSettings;
  rateLimit: RateLimit | null;
  debug: boolean;
  actions: WantedRun[];
  /** Lower-case names of headers and of query parameters that are secret here. */
  secretNames: ReadonlySet<string>;
  /** Its rules with the secrets that are valid at an instant (Unix ms). */
  rulesAt(nowMs: number): EndpointRules;
}

/**
 * @param maxBodyBytes what the operator allows at most.
 * @throws Error when it cannot be read, as when it was sealed with a key that is not configured.
 */
export function toReceivingEndpoint(row: EndpointRow, box: SecretBox, maxBodyBytes: number): ReceivingEndpoint {
  const secrets = openJson<StoredSecret[]>(box, 'inbound_endpoint:secrets', row.id, row.sealed_secrets);
  const definition = toDefinition(
    {
      ...row,
      allowedIps: row.allowed_ips,
      sealedTriggerRule: row.sealed_trigger_rule,
      triggerOptions: row.trigger_options,
      rateLimit: row.rate_limit,
    },
    box,
  );
  const rules = toRules(definition, maxBodyBytes);
  const areLasting = secrets.every(({ valid_until }) => valid_until === null);
  const lasting = { ...rules, secrets: secrets.map(({ secret }) => secret) };
  const { signature } = rules;
  return {
    id: row.id,
    tenantId: row.tenant_id,
    name: row.name,
    version: row.version,
    enabled: row.enabled,
    urlKey: row.url_key,
    previousKey:
      row.previous_url_key === null || row.previous_url_key_until === null
        ? null
        : { key: row.previous_url_key, untilMs: row.previous_url_key_until.getTime() },
    response: row.response,
    rateLimit: row.rate_limit as RateLimit | null,
    debug: row.debug,
    actions: row.actions,
    secretNames: new Set([
      ...headersOfRule(definition.trigger_rule),
      ...(signature.scheme === 'gitlab' && signature.header !== undefined ? [signature.header] : []),
    ]),
    rulesAt: (nowMs) => (areLasting ? lasting : { ...rules, secrets: validSecrets(secrets, nowMs) }),
  };
}

/** Those that are valid at an instant (Unix ms), newest first. */
function validSecrets(secrets: readonly StoredSecret[], nowMs: number): string[] {
  return secrets
    .filter(({ valid_until }) => valid_until === null || Date.parse(valid_until) > nowMs)
    .map(({ secret }) => secret);
}
