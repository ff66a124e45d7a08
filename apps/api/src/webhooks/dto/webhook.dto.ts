import { ApiProperty, ApiPropertyOptional, OmitType, PartialType } from '@nestjs/swagger';
import { IsBoolean, IsIn } from 'class-validator';
import { IsNested, IsText, MayBeAbsent, MayBeNull } from '../../http/body-fields';
import { SIGNATURE_TYPES, type SignatureType } from '#webhook-rules/signature';
import {
  IsEventList,
  IsHeaderMap,
  IsSignatureTypes,
  IsTimeout,
  IsVersionMap,
  IsWebhookSecret,
  SendingLimit,
} from '../webhook-fields';
import { RetryPolicyDto } from './retry-policy.dto';

const MAX_URL_LENGTH = 2_048;
const MAX_NAME_LENGTH = 255;
const MAX_DESCRIPTION_LENGTH = 2_000;
const MAX_PROJECT_ID_LENGTH = 255;
const MAX_RATE_LIMIT = 10_000;
const MAX_IN_FLIGHT = 1_000;
const ON_INACTIVE = ['drop', 'hold'] as const;
const ON_EXHAUSTED = ['skip', 'wait'] as const;

/** What a webhook is made of. */
export class CreateWebhookDto {
  @ApiProperty({
    description: 'Where events are posted to',
    maxLength: MAX_URL_LENGTH,
    example: 'https://api.example.com/webhooks/trae',
  })
  @IsText(1, MAX_URL_LENGTH)
  url!: string;

  @ApiProperty({
    type: [String],
    description: 'Event types subscribed to; `build.*` stands for all that begin with `build.`, `*` for all',
    example: ['build.completed', 'build.failed', 'deployment.completed', 'deployment.failed'],
  })
  @IsEventList()
  events!: string[];

  @ApiProperty({ minLength: 1, maxLength: MAX_NAME_LENGTH, example: 'CI/CD Notifications' })
  @IsText(1, MAX_NAME_LENGTH)
  name!: string;

  @ApiPropertyOptional({
    type: String,
    nullable: true,
    maxLength: MAX_DESCRIPTION_LENGTH,
    example: 'Receive notifications for build and deployment events',
  })
  @MayBeNull()
  @IsText(0, MAX_DESCRIPTION_LENGTH)
  description?: string | null;

  @ApiPropertyOptional({
    description: 'Signs every delivery; one is generated when none is given',
    example: 'your-webhook-secret-key',
  })
  @MayBeAbsent()
  @IsWebhookSecret()
  secret?: string;

  @ApiPropertyOptional({
    enum: SIGNATURE_TYPES,
    isArray: true,
    default: ['v1'],
    description:
      'Which signatures `webhook-signature` holds: `v1` by the secret (HMAC-SHA256), `v1a` by the key of the tenant (ed25519), or both',
    example: ['v1'],
  })
  @MayBeAbsent()
  @IsSignatureTypes()
  signature_types?: SignatureType[];

  @ApiPropertyOptional({
    type: 'object',
    additionalProperties: { type: 'string' },
    default: {},
    description:
      'By event type the only version it gets, of events that are published in several; types that are not named come in every version',
    example: { 'build.completed': '1' },
  })
  @MayBeAbsent()
  @IsVersionMap()
  event_versions?: Record<string, string>;

  @ApiPropertyOptional({ default: true, description: 'Whether it receives events' })
  @MayBeAbsent()
  @IsBoolean({ message: 'must be true or false' })
  active?: boolean;

  @ApiPropertyOptional({
    type: String,
    nullable: true,
    description: 'Receives the events of this project only; without one, those of every project',
    example: 'proj_123',
  })
  @MayBeNull()
  @IsText(1, MAX_PROJECT_ID_LENGTH)
  project_id?: string | null;

  @ApiPropertyOptional({
    type: 'object',
    additionalProperties: { type: 'string' },
    description: 'Sent along with every delivery; at most 20, and none that the service sets itself',
    example: { 'X-Custom-Header': 'custom-value', Authorization: 'Bearer your-api-token' },
  })
  @MayBeAbsent()
  @IsHeaderMap()
  headers?: Record<string, string>;

  @ApiPropertyOptional({ type: 'number', minimum: 1, maximum: 60, default: 30, description: 'Seconds', example: 30 })
  @MayBeAbsent()
  @IsTimeout()
  timeout?: number;

  @ApiPropertyOptional({ type: () => RetryPolicyDto })
  @MayBeAbsent()
  @IsNested(() => RetryPolicyDto)
  retry_policy?: RetryPolicyDto;

  @SendingLimit(MAX_RATE_LIMIT, 'Deliveries that may start per second; null for no limit', 50)
  rate_limit?: number | null;

  @SendingLimit(MAX_IN_FLIGHT, 'Requests that may be under way at once; null for no limit of its own', 5)
  max_in_flight?: number | null;

  @ApiPropertyOptional({
    enum: ON_INACTIVE,
    default: 'drop',
    description: 'While it is inactive: `drop` cancels its deliveries, `hold` keeps them until it is active again',
  })
  @MayBeAbsent()
  @IsIn(ON_INACTIVE, { message: `must be one of ${ON_INACTIVE.join(', ')}` })
  on_inactive?: 'drop' | 'hold';

  @ApiPropertyOptional({
    default: false,
    description: 'Whether events with the same `ordering_key` come one after the other, in the order of their commits',
    example: true,
  })
  @MayBeAbsent()
  @IsBoolean({ message: 'must be true or false' })
  ordered?: boolean;

  @ApiPropertyOptional({
    enum: ON_EXHAUSTED,
    default: 'skip',
    description:
      'Where it is `ordered`, what happens when a delivery is given up: with `skip` the next of its key goes, with `wait` the key waits until its event is redelivered or the delivery is skipped',
  })
  @MayBeAbsent()
  @IsIn(ON_EXHAUSTED, { message: `must be one of ${ON_EXHAUSTED.join(', ')}` })
  on_exhausted?: 'skip' | 'wait';
}

/** What is to change; fields that are not given stay, `headers`, `event_versions` and `retry_policy` replace the whole. */
export class UpdateWebhookDto extends PartialType(OmitType(CreateWebhookDto, ['project_id']), {
  skipNullProperties: false,
}) {}
