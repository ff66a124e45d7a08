import { ApiProperty, ApiPropertyOptional } from '@nestjs/swagger';
import type { WebhookEntity } from '#database/entities/webhook.entity';
import { formatId } from '#kernel/ids';
import { formatInstant } from '#kernel/instants';
import type { SignatureType } from '#webhook-rules/signature';
import { RecentDeliveryResponse } from '../../delivery-history/recent-delivery.response';
import { Pagination } from '../../http/page';
import type { WebhookTotals } from '../../delivery-history/webhook-totals.queries';
import type { RetiringSecretRow } from '../retiring-secrets.queries';
import { RetryPolicyResponse } from './retry-policy.dto';
import { PreviousSecretResponse } from './rotate-secret.dto';
import { origin, sending, SignatureTypesProperty, WebhookCoreResponse } from './webhook-settings.response';
import { FullWebhookStatsResponse, ListedWebhookStatsResponse, WebhookStatsResponse } from './webhook-stats.response';

const INSTANT = '2024-01-01T12:00:00Z';

export class ListedWebhookResponse extends WebhookCoreResponse {
  @ApiProperty({ type: String, nullable: true, example: 'proj_123' })
  project_id!: string | null;

  @ApiProperty({ example: INSTANT })
  created_at!: string;

  @ApiProperty({ example: INSTANT })
  updated_at!: string;

  @ApiProperty({ example: 'user_01k9zq5v7c2m8x4r6t0w3y5b7d' })
  created_by!: string;

  @ApiProperty()
  stats!: ListedWebhookStatsResponse;

  static from(webhook: WebhookEntity, totals: WebhookTotals): ListedWebhookResponse {
    return {
      ...WebhookCoreResponse.core(webhook),
      ...origin(webhook),
      stats: ListedWebhookStatsResponse.from(totals),
    };
  }
}

export class WebhookListResponse {
  @ApiProperty({ type: [ListedWebhookResponse] })
  webhooks!: ListedWebhookResponse[];

  @ApiProperty({ example: 1 })
  total!: number;

  @ApiProperty()
  pagination!: Pagination;
}

/** The settings that only the tenant's own may see. */
export interface OpenedSecrets {
  secret: string;
  headers: Record<string, string>;
}

export class CreatedWebhookResponse extends WebhookCoreResponse {
  @ApiProperty({ example: 'your-webhook-secret-key' })
  secret!: string;

  @ApiProperty({ type: String, nullable: true, example: 'proj_123' })
  project_id!: string | null;

  @ApiProperty({
    type: 'object',
    additionalProperties: { type: 'string' },
    example: { 'X-Custom-Header': 'custom-value' },
  })
  headers!: Record<string, string>;

  @ApiProperty({ example: 30, description: 'Seconds' })
  timeout!: number;

  @ApiProperty()
  retry_policy!: RetryPolicyResponse;

  @SignatureTypesProperty()
  signature_types?: SignatureType[];

  @ApiPropertyOptional({ type: 'integer', example: 50, description: 'Deliveries per second; only where limited' })
  rate_limit?: number;

  @ApiPropertyOptional({ type: 'integer', example: 5, description: 'Requests at once; only where limited' })
  max_in_flight?: number;

  @ApiPropertyOptional({ enum: ['hold'], description: 'Only where deliveries are held while it is inactive' })
  on_inactive?: 'hold';

  @ApiPropertyOptional({ enum: [true], description: 'Only where events with the same key come one after the other' })
  ordered?: true;

  @ApiPropertyOptional({ enum: ['wait'], description: 'Only where an ordering key waits behind what was given up' })
  on_exhausted?: 'wait';

  @ApiProperty({ example: INSTANT })
  created_at!: string;

  @ApiProperty({ example: INSTANT })
  updated_at!: string;

  @ApiProperty({ example: 'user_01k9zq5v7c2m8x4r6t0w3y5b7d' })
  created_by!: string;

  @ApiProperty()
  stats!: WebhookStatsResponse;

  static from(webhook: WebhookEntity, opened: OpenedSecrets, totals: WebhookTotals): CreatedWebhookResponse {
    return {
      ...WebhookCoreResponse.core(webhook),
      secret: opened.secret,
      headers: opened.headers,
      ...sending(webhook),
      ...origin(webhook),
      stats: WebhookStatsResponse.from(totals),
    };
  }
}

export class WebhookResponse extends CreatedWebhookResponse {
  @ApiPropertyOptional({ description: 'Why the service made it inactive; only where it did' })
  disabled_reason?: string;

  @ApiPropertyOptional({
    type: [PreviousSecretResponse],
    description: 'Replaced secrets that still sign, the latest first; only where there are any',
  })
  previous_secrets?: PreviousSecretResponse[];

  @ApiProperty()
  override stats!: FullWebhookStatsResponse;

  @ApiProperty({ type: [RecentDeliveryResponse], description: 'The 10 latest' })
  recent_deliveries!: RecentDeliveryResponse[];

  static full(
    webhook: WebhookEntity,
    opened: OpenedSecrets,
    retiring: RetiringSecretRow[],
    totals: WebhookTotals,
    recentDeliveries: RecentDeliveryResponse[],
  ): WebhookResponse {
    return {
      ...CreatedWebhookResponse.from(webhook, opened, totals),
      ...(webhook.disabledReason !== null && { disabled_reason: webhook.disabledReason }),
      ...(retiring.length > 0 && {
        previous_secrets: retiring.map((row) => ({ expires_at: formatInstant(row.expires_at.getTime()) })),
      }),
      stats: FullWebhookStatsResponse.from(totals),
      recent_deliveries: recentDeliveries,
    };
  }
}

export class UpdatedWebhookResponse extends WebhookCoreResponse {
  @ApiProperty({ example: 45, description: 'Seconds' })
  timeout!: number;

  @ApiProperty()
  retry_policy!: RetryPolicyResponse;

  @SignatureTypesProperty()
  signature_types?: SignatureType[];

  @ApiPropertyOptional({ type: 'integer', example: 50, description: 'Deliveries per second; only where limited' })
  rate_limit?: number;

  @ApiPropertyOptional({ type: 'integer', example: 5, description: 'Requests at once; only where limited' })
  max_in_flight?: number;

  @ApiPropertyOptional({ enum: ['hold'], description: 'Only where deliveries are held while it is inactive' })
  on_inactive?: 'hold';

  @ApiPropertyOptional({ enum: [true], description: 'Only where events with the same key come one after the other' })
  ordered?: true;

  @ApiPropertyOptional({ enum: ['wait'], description: 'Only where an ordering key waits behind what was given up' })
  on_exhausted?: 'wait';

  @ApiProperty({ example: '2024-01-01T12:30:00Z' })
  updated_at!: string;

  static from(webhook: WebhookEntity): UpdatedWebhookResponse {
    return {
      ...WebhookCoreResponse.core(webhook),
      ...sending(webhook),
      updated_at: formatInstant(webhook.updatedAt.getTime()),
    };
  }
}

export class DeletedWebhookResponse {
  @ApiProperty({ example: 'Webhook deleted successfully' })
  message!: string;

  @ApiProperty({ example: 'webhook_01k9zq5v7c2m8x4r6t0w3y5b7d' })
  webhook_id!: string;

  @ApiProperty({ example: INSTANT })
  deleted_at!: string;

  static from(id: string, deletedAt: Date): DeletedWebhookResponse {
    return {
      message: 'Webhook deleted successfully',
      webhook_id: formatId('webhook', id),
      deleted_at: formatInstant(deletedAt.getTime()),
    };
  }
}
