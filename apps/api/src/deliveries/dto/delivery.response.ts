import { ApiProperty, ApiPropertyOptional } from '@nestjs/swagger';
import { formatId, uuidTimeMs } from '#kernel/ids';
import { formatInstant, formatInstantOrNull } from '#kernel/instants';
import { Pagination } from '../../http/page';
import { RawJson } from '../../http/raw-json';
import { successRate } from '../../delivery-history/success-rate';
import { deliveryIdOf, errorOf } from '../../delivery-history/recent-delivery.response';
import {
  DELIVERY_STATES,
  DELIVERY_STATUSES,
  type DeliveryState,
  type DeliveryStatus,
} from '../../delivery-history/delivery-status';
import type { HistoryCounts } from '../../delivery-history/history-counts.queries';
import type { AttemptRow, DeliveryContentRow, DeliveryRow } from '../../delivery-history/history.queries';

const INSTANT = '2024-01-01T11:30:00Z';

/** A delivery with all that is kept about it. */
export interface FullDelivery {
  delivery: DeliveryRow;
  content: DeliveryContentRow | undefined;
  attempts: AttemptRow[];
}

export class AttemptResponse {
  @ApiProperty({ example: 1 })
  attempt!: number;

  @ApiProperty({ example: '2024-01-01T11:29:59.755Z' })
  started_at!: string;

  @ApiProperty({ enum: ['success', 'failed'], example: 'success' })
  status!: 'success' | 'failed';

  @ApiProperty({ type: Number, nullable: true, example: 200 })
  response_code!: number | null;

  @ApiProperty({ example: 245, description: 'Milliseconds' })
  response_time!: number;

  @ApiProperty({ type: String, nullable: true, example: null })
  error!: string | null;

  @ApiProperty({
    type: String,
    nullable: true,
    example: null,
    description: 'A stable word for the error: http_status, timeout, dns_error and so on',
  })
  error_class!: string | null;

  @ApiPropertyOptional({ type: String, nullable: true, example: 'OK', description: 'Only when one delivery is read' })
  response_body?: string | null;

  @ApiPropertyOptional({ description: 'Present and true when only the beginning of the body was kept' })
  response_truncated?: boolean;

  static from(attempt: AttemptRow, withBody: boolean): AttemptResponse {
    return {
      attempt: attempt.number,
      started_at: formatInstant(attempt.started_at.getTime()),
      status: attempt.error_class === null ? 'success' : 'failed',
      response_code: attempt.status_code,
      response_time: attempt.duration_ms,
      error: attempt.error,
      error_class: attempt.error_class,
      ...(withBody && bodyOf(attempt)),
    };
  }
}

export class DeliveryPayloadResponse {
  @ApiProperty({ example: 'build.completed' })
  event!: string;

  @ApiProperty({ example: INSTANT })
  timestamp!: string;

  @ApiProperty({
    type: 'object',
    additionalProperties: true,
    description: 'Byte for byte as it was published',
    example: { build_id: 'build_123', project_id: 'proj_123', status: 'success', duration: 120 },
  })
  data!: RawJson;
}

export class DeliveryResponse {
  @ApiProperty({ example: 'del_01k9zq5v7c2m8x4r6t0w3y5b7d' })
  delivery_id!: string;

  @ApiProperty({ example: 'webhook_01k9zq5v7c2m8x4r6t0w3y5b7d' })
  webhook_id!: string;

  @ApiProperty({ example: 'build.completed' })
  event_type!: string;

  @ApiProperty({ example: 'event_01k9zq5v7c2m8x4r6t0w3y5b7d' })
  event_id!: string;

  @ApiProperty({ enum: DELIVERY_STATUSES, example: 'success' })
  status!: DeliveryStatus;

  @ApiProperty({ enum: DELIVERY_STATES, example: 'delivered', description: 'What the status leaves open' })
  state!: DeliveryState;

  @ApiProperty({ type: Number, nullable: true, example: 200, description: 'Of the last attempt' })
  response_code!: number | null;

  @ApiProperty({ type: Number, nullable: true, example: 245, description: 'Milliseconds, of the last attempt' })
  response_time!: number | null;

  @ApiProperty({ type: String, nullable: true, example: 'OK', description: 'Of the last attempt' })
  response_body!: string | null;

  @ApiPropertyOptional({ description: 'Present and true when only the beginning of the body was kept' })
  response_truncated?: boolean;

  @ApiProperty({ type: String, nullable: true, example: INSTANT, description: 'When the last attempt ended' })
  delivered_at!: string | null;

  @ApiProperty({ example: 1, description: 'How many attempts were made' })
  attempts!: number;

  @ApiPropertyOptional({ example: 'HTTP 500: Internal Server Error', description: 'Only where there was one' })
  error?: string;

  @ApiProperty({ type: String, nullable: true, example: null, description: 'Null unless the delivery is pending' })
  next_retry!: string | null;

  @ApiPropertyOptional({ example: 'del_01k9zq5v7c2m8x4r6t0w3y5b7d', description: 'Only on a redelivery' })
  original_delivery_id?: string;

  @ApiProperty({
    type: () => DeliveryPayloadResponse,
    nullable: true,
    description: 'Null once its retention has ended, which may be sooner than that of the record',
  })
  payload!: DeliveryPayloadResponse | null;

  @ApiPropertyOptional({
    description:
      'Present and true when the retention of payload and responses has ended; it cannot be redelivered then',
  })
  payload_expired?: boolean;

  @ApiProperty({ type: [AttemptResponse], description: 'Every attempt in order' })
  attempt_log!: AttemptResponse[];

  /** @param withBodies whether the attempts show their responses' bodies. */
  static from({ delivery, content, attempts }: FullDelivery, withBodies: boolean): DeliveryResponse {
    const error = errorOf(delivery);
    const payload = payloadOf(delivery, content);
    return {
      delivery_id: deliveryIdOf(delivery),
      webhook_id: formatId('webhook', delivery.webhook_id),
      event_type: delivery.event_type,
      event_id: content?.client_event_id ?? formatId('event', delivery.event_id),
      status: delivery.status,
      state: delivery.state,
      response_code: delivery.response_code,
      response_time: delivery.response_time_ms,
      ...bodyOf(content),
      delivered_at: formatInstantOrNull(delivery.last_attempt_at),
      attempts: delivery.attempts,
      ...(error !== null && { error }),
      next_retry: delivery.status === 'pending' ? formatInstantOrNull(delivery.next_attempt_at) : null,
      ...(delivery.original_delivery_id !== null && {
        original_delivery_id: formatId('del', delivery.original_delivery_id),
      }),
      payload,
      ...(payload === null && { payload_expired: true }),
      attempt_log: attempts.map((attempt) => AttemptResponse.from(attempt, withBodies)),
    };
  }
}

/** Deliveries in the chosen range and of the chosen type, whatever their status. */
export class DeliveryStatsResponse {
  @ApiProperty({ example: 150 })
  total_deliveries!: number;

  @ApiProperty({ example: 145 })
  successful_deliveries!: number;

  @ApiProperty({ example: 5, description: 'Cancelled ones included' })
  failed_deliveries!: number;

  @ApiProperty({ example: 0 })
  pending_deliveries!: number;

  @ApiProperty({ example: 96.67, description: 'Percent of those that finished; cancelled ones do not count' })
  success_rate!: number;

  static from({ created, successful, failed, cancelled }: HistoryCounts): DeliveryStatsResponse {
    return {
      total_deliveries: created,
      successful_deliveries: successful,
      failed_deliveries: failed + cancelled,
      pending_deliveries: created - successful - failed - cancelled,
      success_rate: successRate(successful, failed),
    };
  }
}

export class DeliveryPagination extends Pagination {
  @ApiProperty({
    type: String,
    nullable: true,
    example: null,
    description: 'As `cursor`, leads to the next page; null on the last',
  })
  next_cursor!: string | null;
}

export class DeliveryListResponse {
  @ApiProperty({ type: [DeliveryResponse] })
  deliveries!: DeliveryResponse[];

  @ApiProperty({ example: 2, description: 'How many match all filters; tests included' })
  total!: number;

  @ApiProperty()
  pagination!: DeliveryPagination;

  @ApiProperty({ description: 'Of the same range and event type, whatever the status; tests do not count' })
  stats!: DeliveryStatsResponse;
}

/** How many deliveries match a filter with this status. */
export function totalOf(counts: HistoryCounts, status: DeliveryStatus | undefined): number {
  const { created, successful, failed, cancelled, successfulTests, failedTests } = counts;
  switch (status) {
    case undefined:
      return created + successfulTests + failedTests;
    case 'success':
      return successful + successfulTests;
    case 'failed':
      return failed + cancelled + failedTests;
    case 'pending':
      return created - successful - failed - cancelled;
  }
}

/** A receiver may answer in any encoding: what is no UTF-8 is shown with replacement characters. */
export function bodyOf(row: { response_body: Buffer | null; response_truncated: boolean | null } | undefined): {
  response_body: string | null;
  response_truncated?: boolean;
} {
  return {
    response_body: row?.response_body?.toString('utf8') ?? null,
    ...(row?.response_truncated === true && { response_truncated: true }),
  };
}

function payloadOf(delivery: DeliveryRow, content: DeliveryContentRow | undefined): DeliveryPayloadResponse | null {
  if (content?.data === null || content === undefined) return null;
  return {
    event: delivery.event_type,
    timestamp: formatInstant(content.occurred_at?.getTime() ?? uuidTimeMs(delivery.event_id)),
    data: new RawJson(content.data),
  };
}
