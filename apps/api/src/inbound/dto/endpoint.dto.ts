import { ApiProperty, ApiPropertyOptional } from '@nestjs/swagger';
import { IsBoolean, IsInt, IsNotIn, Matches, Max, Min } from 'class-validator';
import { SIGNATURE_SCHEMES } from '#inbound-rules/signatures/signature-settings';
import { IsText, MayBeAbsent, MayBeNull } from '../../http/body-fields';
import { IsWebhookSecret } from '../../webhooks/webhook-fields';
import { ENDPOINT_NAME } from '../endpoints.queries';
import { ObjectSetting, Setting } from './setting';

const MAX_LOG_ENTRIES = 10_000;
const MAX_OVERLAP_SECONDS = 7 * 86_400;
const BOOLEAN = { message: 'must be true or false' };
const LOG_ENTRIES = { message: `must be a whole number from 0 to ${MAX_LOG_ENTRIES}` };
const OVERLAP = { message: `must be a whole number of seconds from 0 to ${MAX_OVERLAP_SECONDS}` };
const NAME = {
  message:
    'must begin with a letter or digit and hold at most 63 of a-z, 0-9, dot, underscore and hyphen, in lower case',
};
/** Paths of the API stand under these. */
const RESERVED_NAMES = ['channels', 'import'];

/** What can be set at creation and changed later. */
class EndpointSettingsDto {
  @ApiPropertyOptional({ type: String, nullable: true, example: 'Signals from the desk' })
  @MayBeNull()
  @IsText(0, 2_000)
  description?: string | null;

  @ApiPropertyOptional({ default: true, description: 'A disabled endpoint answers 404 and acts on nothing' })
  @MayBeAbsent()
  @IsBoolean(BOOLEAN)
  enabled?: boolean;

  @ObjectSetting(
    `How requests are signed: \`scheme\` (${SIGNATURE_SCHEMES.join(', ')}; webhook unless given) and its options: header, algorithm, encoding, prefix, timestamp_header, tolerance_seconds, signed_content`,
    { scheme: 'webhook' },
  )
  signature?: unknown;

  @ObjectSetting('JSON Schema (draft 2020-12) that payloads must satisfy', {
    type: 'object',
    properties: { ref: { type: 'string' } },
  })
  schema?: unknown;

  @Setting({
    type: [String],
    nullable: true,
    description: 'Addresses and CIDR ranges, IPv4 and IPv6; none for every address',
    example: ['192.0.2.0/24', '2001:db8::1'],
  })
  allowed_ips?: unknown;

  @Setting({ type: [String], default: ['POST'], example: ['POST'], description: 'GET, HEAD, POST, PUT, PATCH, DELETE' })
  methods?: unknown;

  @Setting({
    type: String,
    nullable: true,
    example: 'application/json',
    description: 'Counts instead of the Content-Type of requests',
  })
  content_type?: unknown;

  @Setting({
    type: [String],
    nullable: true,
    example: ['json'],
    description: 'json, form, multipart, xml, text; all unless given',
  })
  body_kinds?: unknown;

  @Setting({
    type: 'array',
    nullable: true,
    items: { type: 'object', additionalProperties: true },
    example: [{ source: 'payload', name: 'payload' }],
    description: 'Values that hold JSON as text and are read as what it says: source (payload, header, url) and name',
  })
  parse_as_json?: unknown;

  @Setting({
    type: 'integer',
    nullable: true,
    example: 65536,
    description: "Below the installation's limit, 1 MiB by default",
  })
  max_body_bytes?: unknown;

  @ObjectSetting('What a genuine request must satisfy to be acted on, with the operators of adnanh/webhook', {
    match: { type: 'value', value: 'refs/heads/main', parameter: { source: 'payload', name: 'ref' } },
  })
  trigger_rule?: unknown;

  @Setting({
    type: 'integer',
    nullable: true,
    example: 200,
    description: 'The status for what misses the rule; 200 unless given',
  })
  trigger_mismatch_status?: unknown;

  @Setting({
    type: 'boolean',
    nullable: true,
    example: false,
    description: 'Whether an `or` may go on after a wrong signature',
  })
  trigger_signature_soft_failures?: unknown;

  @ObjectSetting(
    "By what deliveries are known again within 24 hours: `header`, or `path` in the payload; the scheme's own unless given; null: every request is acted on",
    { header: 'X-GitHub-Delivery' },
  )
  dedupe?: unknown;

  @ObjectSetting(
    'What an accepted request is answered: `status`, `headers`, `message`; `wait` for the results of the actions, up to `wait_seconds`; `command_output` never, on_success or always',
    { status: 200, message: 'thanks' },
  )
  response?: unknown;

  @ObjectSetting('Genuine requests, `requests` within `per_seconds`, over all instances; null for no limit', {
    requests: 60,
    per_seconds: 60,
  })
  rate_limit?: unknown;

  @ApiPropertyOptional({ default: false, description: 'Whether rejected requests are logged too, with the reason' })
  @MayBeAbsent()
  @IsBoolean(BOOLEAN)
  debug?: boolean;

  @ApiPropertyOptional({
    type: 'integer',
    minimum: 0,
    maximum: MAX_LOG_ENTRIES,
    default: 1_000,
    description: 'Requests kept in the log, the newest',
  })
  @MayBeAbsent()
  @IsInt(LOG_ENTRIES)
  @Min(0, LOG_ENTRIES)
  @Max(MAX_LOG_ENTRIES, LOG_ENTRIES)
  max_log_entries?: number;

  @ApiPropertyOptional({ type: String, description: 'Of the sender; generated unless given', example: 'abc123' })
  @MayBeAbsent()
  @IsWebhookSecret()
  secret?: string;
}

export class CreateEndpointDto extends EndpointSettingsDto {
  @ApiProperty({ example: 'trading-signals', description: 'Part of its URL; unique within the tenant, and it stays' })
  @Matches(ENDPOINT_NAME, NAME)
  @IsNotIn(RESERVED_NAMES, { message: `must not be ${RESERVED_NAMES.join(' or ')}` })
  name!: string;

  @ApiPropertyOptional({ type: String, nullable: true, example: 'proj_123' })
  @MayBeNull()
  @IsText(1, 255)
  project_id?: string | null;
}

export class UpdateEndpointDto extends EndpointSettingsDto {}

export class RegenerateDto {
  @ApiPropertyOptional({ description: 'A new URL. With neither this nor secret, both are new' })
  @MayBeAbsent()
  @IsBoolean(BOOLEAN)
  url?: boolean;

  @ApiPropertyOptional({ description: 'A new secret' })
  @MayBeAbsent()
  @IsBoolean(BOOLEAN)
  secret?: boolean;

  @ApiPropertyOptional({ type: String, description: 'The new secret; generated unless given', example: 'a-new-secret' })
  @MayBeAbsent()
  @IsWebhookSecret()
  new_secret?: string;

  @ApiPropertyOptional({
    type: 'integer',
    minimum: 0,
    maximum: MAX_OVERLAP_SECONDS,
    default: 0,
    description: 'Seconds that the old ones go on working',
  })
  @MayBeAbsent()
  @IsInt(OVERLAP)
  @Min(0, OVERLAP)
  @Max(MAX_OVERLAP_SECONDS, OVERLAP)
  overlap_seconds?: number;
}
