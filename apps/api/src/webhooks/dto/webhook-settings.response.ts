import { ApiProperty, ApiPropertyOptional } from '@nestjs/swagger';
import type { WebhookEntity } from '#database/entities/webhook.entity';
import { formatId } from '#kernel/ids';
import { formatInstant } from '#kernel/instants';
import { SIGNATURE_TYPES, type SignatureType } from '#webhook-rules/signature';
import { toStoredRetryPolicy, type RetryPolicyResponse } from './retry-policy.dto';

/** What every answer shows of a webhook's settings. */
export class WebhookCoreResponse {
  @ApiProperty({ example: 'webhook_01k9zq5v7c2m8x4r6t0w3y5b7d' })
  webhook_id!: string;

  @ApiProperty({ example: 'https://api.example.com/webhooks/trae' })
  url!: string;

  @ApiProperty({ type: [String], example: ['build.completed', 'build.failed'] })
  events!: string[];

  @ApiProperty({ example: 'CI/CD Notifications' })
  name!: string;

  @ApiProperty({ type: String, nullable: true, example: 'Receive notifications for build and deployment events' })
  description!: string | null;

  @ApiProperty({ example: true })
  active!: boolean;

  @ApiPropertyOptional({
    type: 'object',
    additionalProperties: { type: 'string' },
    description: 'By event type the only version it gets; only where some are pinned',
    example: { 'build.completed': '1' },
  })
  event_versions?: Record<string, string>;

  static core(webhook: WebhookEntity): WebhookCoreResponse {
    return {
      webhook_id: formatId('webhook', webhook.id),
      url: webhook.url,
      events: webhook.events,
      name: webhook.name,
      description: webhook.description,
      active: webhook.active,
      ...(Object.keys(webhook.eventVersions).length > 0 && { event_versions: webhook.eventVersions }),
    };
  }
}

export function SignatureTypesProperty(): PropertyDecorator {
  return ApiPropertyOptional({
    enum: SIGNATURE_TYPES,
    isArray: true,
    description: 'Which signatures `webhook-signature` holds; only where `v1a` is among them',
    example: ['v1', 'v1a'],
  });
}

/** How a webhook's deliveries are sent. */
export interface SendingSettings {
  timeout: number;
  retry_policy: RetryPolicyResponse;
  signature_types?: SignatureType[];
  rate_limit?: number;
  max_in_flight?: number;
  on_inactive?: 'hold';
  ordered?: true;
  on_exhausted?: 'wait';
}

export function sending(webhook: WebhookEntity): SendingSettings {
  return {
    timeout: webhook.timeoutMs / 1_000,
    // In the reference's order, which jsonb does not keep.
    retry_policy: toStoredRetryPolicy(webhook.retryPolicy),
    // Only where they say something: without them the answer is the reference's, field by field.
    ...(webhook.signatureTypes.includes('v1a') && { signature_types: webhook.signatureTypes }),
    ...(webhook.rateLimit !== null && { rate_limit: webhook.rateLimit }),
    ...(webhook.maxInFlight !== null && { max_in_flight: webhook.maxInFlight }),
    ...(webhook.onInactive === 'hold' && { on_inactive: webhook.onInactive }),
    ...(webhook.ordered && { ordered: true }),
    ...(webhook.onExhausted === 'wait' && { on_exhausted: webhook.onExhausted }),
  };
}

/** Whose a webhook is and since when. */
export interface Origin {
  project_id: string | null;
  created_at: string;
  updated_at: string;
  created_by: string;
}

export function origin(webhook: WebhookEntity): Origin {
  return {
    project_id: webhook.projectId,
    created_at: formatInstant(webhook.createdAt.getTime()),
    updated_at: formatInstant(webhook.updatedAt.getTime()),
    created_by: formatId('user', webhook.createdBy),
  };
}
