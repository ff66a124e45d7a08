import { ApiProperty, ApiPropertyOptional } from '@nestjs/swagger';
import { IsInt, Max, Min } from 'class-validator';
import { applyDecorators } from '@nestjs/common';
import type { TenantLimits } from '#database/entities/tenant.entity';
import { MayBeNull } from '../../http/body-fields';

function Limit(min: number, max: number, description: string): PropertyDecorator {
  const message = `must be a whole number from ${min} to ${max}, or null for the default`;
  return applyDecorators(
    ApiPropertyOptional({ type: 'integer', nullable: true, minimum: min, maximum: max, description }),
    MayBeNull(),
    IsInt({ message }),
    Min(min, { message }),
    Max(max, { message }),
  );
}

/** What the operator allows a tenant; absent or null means the installation's default. */
export class LimitsDto {
  @Limit(0, 1_000_000, 'Webhooks that exist at once; by default 1,000')
  max_webhooks?: number | null;

  @Limit(1, 1_000_000, 'Published events per second; by default unlimited')
  events_per_second?: number | null;

  @Limit(1_024, 16_777_216, 'Largest `data` of one event in bytes; by default MAX_EVENT_BYTES')
  max_event_bytes?: number | null;

  @Limit(0, 100_000, 'Test deliveries per minute and webhook; by default 60')
  tests_per_minute?: number | null;

  @Limit(1, 3_650, 'Days for which payloads and responses are kept; by default, and at most, PAYLOAD_RETENTION_DAYS')
  payload_retention_days?: number | null;

  @Limit(1, 3_650, 'Days for which events and deliveries are kept; by default, and at most, RECORD_RETENTION_DAYS')
  record_retention_days?: number | null;
}

/** The limits as they are stored: only those that are set. */
export function toTenantLimits(dto: LimitsDto): TenantLimits {
  return Object.fromEntries(Object.entries(dto).filter(([, value]) => value !== null && value !== undefined));
}

export class LimitsResponse {
  @ApiProperty({ type: Number, nullable: true, example: 100 })
  max_webhooks!: number | null;

  @ApiProperty({ type: Number, nullable: true, example: null })
  events_per_second!: number | null;

  @ApiProperty({ type: Number, nullable: true, example: null })
  max_event_bytes!: number | null;

  @ApiProperty({ type: Number, nullable: true, example: null })
  tests_per_minute!: number | null;

  @ApiProperty({ type: Number, nullable: true, example: 7 })
  payload_retention_days!: number | null;

  @ApiProperty({ type: Number, nullable: true, example: null })
  record_retention_days!: number | null;

  static from(limits: TenantLimits): LimitsResponse {
    return {
      max_webhooks: limits.max_webhooks ?? null,
      events_per_second: limits.events_per_second ?? null,
      max_event_bytes: limits.max_event_bytes ?? null,
      tests_per_minute: limits.tests_per_minute ?? null,
      payload_retention_days: limits.payload_retention_days ?? null,
      record_retention_days: limits.record_retention_days ?? null,
    };
  }
}
