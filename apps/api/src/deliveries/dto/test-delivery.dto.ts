import { ApiProperty, ApiPropertyOptional } from '@nestjs/swagger';
import { IsObject } from 'class-validator';
import { TEST_EVENT_TYPE } from '#webhook-rules/event-types';
import { FreeJson, IsText, MayBeAbsent } from '../../http/body-fields';
import { RecentDeliveryResponse } from '../../delivery-history/recent-delivery.response';
import { DELIVERY_STATUSES } from '../../delivery-history/delivery-status';
import type { TestResult } from '../test-delivery.service';
import { bodyOf } from './delivery.response';

export class TestWebhookDto {
  @ApiPropertyOptional({ default: TEST_EVENT_TYPE.name, example: 'build.completed' })
  @MayBeAbsent()
  @IsText(1, 128)
  event_type?: string;

  @ApiPropertyOptional({
    type: 'object',
    additionalProperties: true,
    description: 'Sent as `data`, byte for byte',
    example: { build_id: 'build_test_123', project_id: 'proj_123', status: 'success', duration: 120 },
  })
  @MayBeAbsent()
  @FreeJson()
  @IsObject({ message: 'must be a JSON object' })
  payload?: object;
}

export class TestDeliveryResponse {
  @ApiProperty({ example: 'del_test_01k9zq5v7c2m8x4r6t0w3y5b7d' })
  delivery_id!: string;

  @ApiProperty({ example: 'build.completed' })
  event_type!: string;

  @ApiProperty({ enum: DELIVERY_STATUSES.filter((status) => status !== 'pending'), example: 'success' })
  status!: string;

  @ApiProperty({ type: Number, nullable: true, example: 200, description: 'Null when there was no response' })
  response_code!: number | null;

  @ApiProperty({ type: Number, nullable: true, example: 245, description: 'Milliseconds' })
  response_time!: number | null;

  @ApiProperty({ type: String, nullable: true, example: 'OK' })
  response_body!: string | null;

  @ApiPropertyOptional({ description: 'Present and true when only the beginning of the body was kept' })
  response_truncated?: boolean;

  @ApiProperty({ type: String, nullable: true, example: '2024-01-01T12:00:00Z' })
  delivered_at!: string | null;

  @ApiProperty({ example: 1 })
  attempts!: number;

  @ApiProperty({ example: 'https://api.example.com/webhooks/trae' })
  webhook_url!: string;

  @ApiPropertyOptional({ example: 'HTTP 500: Internal Server Error', description: 'Only where it failed' })
  error?: string;

  static from({ delivery, content, webhookUrl }: TestResult): TestDeliveryResponse {
    const { error, ...outcome } = RecentDeliveryResponse.from(delivery);
    return { ...outcome, ...bodyOf(content), webhook_url: webhookUrl, ...(error !== undefined && { error }) };
  }
}
