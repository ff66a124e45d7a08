import { ApiProperty } from '@nestjs/swagger';
import { formatInstantOrNull } from '#kernel/instants';
import { successRate } from '../../delivery-history/success-rate';
import type { WebhookTotals } from '../../delivery-history/webhook-totals.queries';

/** Deliveries since the webhook was made. */
export class WebhookStatsResponse {
  @ApiProperty({ example: 150 })
  total_deliveries!: number;

  @ApiProperty({ example: 145 })
  successful_deliveries!: number;

  @ApiProperty({ example: 5, description: 'Cancelled ones included' })
  failed_deliveries!: number;

  @ApiProperty({ type: String, nullable: true, example: '2024-01-01T11:30:00Z' })
  last_delivery!: string | null;

  static from(totals: WebhookTotals): WebhookStatsResponse {
    return {
      total_deliveries: totals.created,
      successful_deliveries: totals.successful,
      failed_deliveries: totals.failed + totals.cancelled,
      last_delivery: formatInstantOrNull(totals.lastDeliveryAt),
    };
  }
}

export class ListedWebhookStatsResponse extends WebhookStatsResponse {
  @ApiProperty({ example: 96.67, description: 'Percent of those that finished; cancelled ones do not count' })
  success_rate!: number;

  static override from(totals: WebhookTotals): ListedWebhookStatsResponse {
    return { ...WebhookStatsResponse.from(totals), success_rate: successRate(totals.successful, totals.failed) };
  }
}

export class FullWebhookStatsResponse extends ListedWebhookStatsResponse {
  @ApiProperty({ type: Number, nullable: true, example: 250, description: 'Milliseconds; null while nothing finished' })
  average_response_time!: number | null;

  static override from(totals: WebhookTotals): FullWebhookStatsResponse {
    return { ...ListedWebhookStatsResponse.from(totals), average_response_time: totals.averageResponseTimeMs };
  }
}
