import { ApiProperty, ApiPropertyOptional } from '@nestjs/swagger';
import { formatId } from '#kernel/ids';
import { formatInstantOrNull } from '#kernel/instants';
import { DELIVERY_STATUSES, type DeliveryStatus } from './delivery-status';
import type { DeliveryRow } from './history.queries';

/** Shown for a delivery that a dispatcher cancelled because its webhook was deleted or inactive. */
const CANCELLED = 'Cancelled';

/** A delivery in the short form that a webhook shows. */
export class RecentDeliveryResponse {
  @ApiProperty({ example: 'del_01k9zq5v7c2m8x4r6t0w3y5b7d' })
  delivery_id!: string;

  @ApiProperty({ example: 'build.completed' })
  event_type!: string;

  @ApiProperty({ enum: DELIVERY_STATUSES, example: 'success' })
  status!: DeliveryStatus;

  @ApiProperty({ type: Number, nullable: true, example: 200 })
  response_code!: number | null;

  @ApiProperty({ type: Number, nullable: true, example: 245, description: 'Milliseconds' })
  response_time!: number | null;

  @ApiProperty({ type: String, nullable: true, example: '2024-01-01T11:30:00Z' })
  delivered_at!: string | null;

  @ApiProperty({ example: 1 })
  attempts!: number;

  @ApiPropertyOptional({ example: 'HTTP 500: Internal Server Error', description: 'Only where there was one' })
  error?: string;

  static from(delivery: DeliveryRow): RecentDeliveryResponse {
    const error = errorOf(delivery);
    return {
      delivery_id: deliveryIdOf(delivery),
      event_type: delivery.event_type,
      status: delivery.status,
      response_code: delivery.response_code,
      response_time: delivery.response_time_ms,
      delivered_at: formatInstantOrNull(delivery.last_attempt_at),
      attempts: delivery.attempts,
      ...(error !== null && { error }),
    };
  }
}

/** The id of a delivery as clients know it. */
export function deliveryIdOf(delivery: DeliveryRow): string {
  return formatId(delivery.is_test ? 'del_test' : 'del', delivery.id);
}

/** What went wrong last, or null. */
export function errorOf(delivery: DeliveryRow): string | null {
  return delivery.error ?? (delivery.state === 'cancelled' ? CANCELLED : null);
}
