import { ApiProperty } from '@nestjs/swagger';

const OUTCOMES = [
  'delivered',
  'exhausted',
  'cancelled',
  'in_flight',
  'waiting',
  'blocked',
  'throttled',
  'held',
  'scheduled',
  'not_addressed',
  'not_subscribed',
  'other_project',
  'other_version',
  'inactive',
  'created_later',
  'changed_later',
];

export class ExplainedWebhookResponse {
  @ApiProperty({ example: 'webhook_456' })
  webhook_id!: string;

  @ApiProperty({ example: 'CI/CD Notifications' })
  name!: string;

  @ApiProperty({ type: String, nullable: true, example: null })
  delivery_id!: string | null;

  @ApiProperty({ enum: OUTCOMES, example: 'not_subscribed' })
  outcome!: string;

  @ApiProperty({ example: 'The webhook does not subscribe to build.completed' })
  reason!: string;
}

export class ExplainResponse {
  @ApiProperty({ example: 'event_123' })
  event_id!: string;

  @ApiProperty({ example: 'build.completed' })
  event!: string;

  @ApiProperty({ type: [ExplainedWebhookResponse], description: 'The latest made first, at most 1,000.' })
  webhooks!: ExplainedWebhookResponse[];
}
