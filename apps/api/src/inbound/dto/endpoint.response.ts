import { ApiProperty } from '@nestjs/swagger';
import type { InboundEndpointEntity } from '#database/entities/inbound-endpoint.entity';
import type { StoredSecret } from '#database/inbound-secrets';
import { formatId } from '#kernel/ids';
import { formatInstant, formatInstantOrNull } from '#kernel/instants';
import { Pagination } from '../../http/page';
import { hookUrlOf, urlOf, type UrlSettings } from '../endpoint-urls';
import { presentSecret } from '../endpoint-secrets';
import type { EndpointDefinition } from '../endpoint-settings';
import type { EndpointTotals } from '../endpoints.queries';
import { ActionResponse } from './action.response';

const INSTANT = '2024-01-01T12:00:00Z';

/** What every answer shows of an endpoint. */
class EndpointCoreResponse {
  @ApiProperty({ example: 'inb_01k9zq5v7c2m8x4r6t0w3y5b7d' })
  inbound_id!: string;

  @ApiProperty({ example: 'trading-signals' })
  name!: string;

  @ApiProperty({ type: String, nullable: true, example: 'Signals from the desk' })
  description!: string | null;

  @ApiProperty({ type: String, nullable: true, example: 'proj_123' })
  project_id!: string | null;

  @ApiProperty({ example: 'https://hooks.example.com/webhooks/Zm9vYmFyYmF6cXV4Zm9vYmFyYmF6cXV4/trading-signals' })
  url!: string;

  @ApiProperty({ type: String, nullable: true, description: 'Where the operator enabled these', example: null })
  hook_url!: string | null;

  @ApiProperty({ example: true })
  enabled!: boolean;

  @ApiProperty({ example: false })
  debug!: boolean;

  @ApiProperty({ example: 42, description: 'Requests that were accepted, without tests and repetitions' })
  trigger_count!: number;

  @ApiProperty({ type: String, nullable: true, example: INSTANT })
  last_triggered_at!: string | null;

  @ApiProperty({ example: INSTANT })
  created_at!: string;

  @ApiProperty({ example: INSTANT })
  updated_at!: string;

  static core(
    endpoint: InboundEndpointEntity,
    totals: EndpointTotals | undefined,
    urls: UrlSettings,
  ): EndpointCoreResponse {
    return {
      inbound_id: formatId('inb', endpoint.id),
      name: endpoint.name,
      description: endpoint.description,
      project_id: endpoint.projectId,
      url: urlOf(endpoint, urls),
      hook_url: hookUrlOf(endpoint, urls),
      enabled: endpoint.enabled,
      debug: endpoint.debug,
      trigger_count: totals?.triggered ?? 0,
      last_triggered_at: formatInstantOrNull(totals?.lastTriggeredAt ?? null),
      created_at: formatInstant(endpoint.createdAt.getTime()),
      updated_at: formatInstant(endpoint.updatedAt.getTime()),
    };
  }
}

export class ListedEndpointResponse extends EndpointCoreResponse {
  @ApiProperty({ example: 2 })
  action_count!: number;

  static from(
    endpoint: InboundEndpointEntity,
    totals: EndpointTotals | undefined,
    actionCount: number,
    urls: UrlSettings,
  ): ListedEndpointResponse {
    return { ...ListedEndpointResponse.core(endpoint, totals, urls), action_count: actionCount };
  }
}

export class EndpointListResponse {
  @ApiProperty({ type: [ListedEndpointResponse] })
  endpoints!: ListedEndpointResponse[];

  @ApiProperty({ example: 1 })
  total!: number;

  @ApiProperty()
  pagination!: Pagination;
}

/** An old URL or secret that still works. */
export class OverlapResponse {
  @ApiProperty({ type: String, nullable: true, description: 'Until when the URL before works', example: null })
  url_until!: string | null;

  @ApiProperty({ type: String, nullable: true, description: 'Until when the secret before works', example: null })
  secret_until!: string | null;
}

/** An endpoint with all that is set. */
export class EndpointResponse extends EndpointCoreResponse {
  @ApiProperty({
    type: String,
    nullable: true,
    description: 'Shown to tokens with the scope inbound:write; null to others',
    example: 'whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw',
  })
  secret!: string | null;

  @ApiProperty()
  overlap!: OverlapResponse;

  @ApiProperty({ type: 'object', additionalProperties: true, example: { scheme: 'webhook' } })
  signature!: unknown;

  @ApiProperty({ type: [String], example: ['POST'] })
  methods!: unknown;

  @ApiProperty({ type: [String], example: [] })
  allowed_ips!: unknown;

  @ApiProperty({ type: String, nullable: true, example: null })
  content_type!: unknown;

  @ApiProperty({ type: [String], nullable: true, example: null })
  body_kinds!: unknown;

  @ApiProperty({ type: 'array', items: { type: 'object', additionalProperties: true }, nullable: true, example: null })
  parse_as_json!: unknown;

  @ApiProperty({ type: 'integer', nullable: true, example: null })
  max_body_bytes!: unknown;

  @ApiProperty({ type: 'object', nullable: true, additionalProperties: true, example: null })
  schema!: unknown;

  @ApiProperty({
    type: 'object',
    nullable: true,
    additionalProperties: true,
    description: 'Shown to tokens with the scope inbound:write, since rules hold secrets; null to others',
    example: null,
  })
  trigger_rule!: unknown;

  @ApiProperty({ type: 'integer', nullable: true, example: null })
  trigger_mismatch_status!: unknown;

  @ApiProperty({ type: Boolean, example: false })
  trigger_signature_soft_failures!: unknown;

  @ApiProperty({
    type: 'object',
    nullable: true,
    additionalProperties: true,
    description: "By what deliveries are known again, the scheme's own included",
    example: null,
  })
  dedupe!: unknown;

  @ApiProperty({ type: 'object', additionalProperties: true, example: {} })
  response!: unknown;

  @ApiProperty({ type: 'object', nullable: true, additionalProperties: true, example: null })
  rate_limit!: unknown;

  @ApiProperty({ example: 1000 })
  max_log_entries!: number;

  @ApiProperty({ type: [ActionResponse], example: [] })
  actions!: ActionResponse[];

  static from(
    endpoint: InboundEndpointEntity,
    known: {
      definition: Required<EndpointDefinition>;
      /** What is known again by, resolved. */
      dedupe: unknown;
      secrets: StoredSecret[];
      totals: EndpointTotals | undefined;
      actions: ActionResponse[];
      maySeeSecrets: boolean;
      nowMs: number;
    },
    urls: UrlSettings,
  ): EndpointResponse {
    const { definition, secrets, maySeeSecrets, nowMs } = known;
    const older = secrets.flatMap(({ valid_until }) => (valid_until === null ? [] : [valid_until]));
    const until = older.filter((instant) => Date.parse(instant) > nowMs).sort();
    return {
      ...EndpointResponse.core(endpoint, known.totals, urls),
      secret: maySeeSecrets ? presentSecret(secrets) : null,
      overlap: {
        url_until:
          endpoint.previousUrlKeyUntil !== null && endpoint.previousUrlKeyUntil.getTime() > nowMs
            ? formatInstant(endpoint.previousUrlKeyUntil.getTime())
            : null,
        secret_until: until.at(-1) === undefined ? null : formatInstant(Date.parse(until.at(-1) ?? '')),
      },
      ...definition,
      trigger_rule: maySeeSecrets ? definition.trigger_rule : null,
      dedupe: known.dedupe,
      max_log_entries: endpoint.maxLogEntries,
      actions: known.actions,
    };
  }
}

export class DeletedEndpointResponse {
  @ApiProperty({ example: 'inb_01k9zq5v7c2m8x4r6t0w3y5b7d' })
  inbound_id!: string;

  @ApiProperty({ example: 'trading-signals' })
  name!: string;

  @ApiProperty({ example: true })
  deleted!: true;

  @ApiProperty({ example: INSTANT })
  deleted_at!: string;
}
