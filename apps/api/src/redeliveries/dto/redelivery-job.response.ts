import { ApiProperty } from '@nestjs/swagger';
import { formatId } from '#kernel/ids';
import { formatInstant, formatInstantOrNull } from '#kernel/instants';
import { DELIVERY_STATUSES, type DeliveryStatus } from '../../delivery-history/delivery-status';
import { Pagination } from '../../http/page';
import type { RedeliveryJobRow, RedeliveryJobStatus } from '../redelivery-jobs.queries';

const STATUSES = ['pending', 'running', 'completed', 'cancelled', 'failed'];
const NULLABLE_INSTANT = { type: String, nullable: true, example: '2024-01-01T12:00:01Z' } as const;

export class RedeliveryDryRunResponse {
  @ApiProperty({ type: 'integer', example: 1_204, description: 'Deliveries that the filter means' })
  matched!: number;
}

export class RedeliveryFilterResponse {
  @ApiProperty({ enum: DELIVERY_STATUSES, example: 'failed' })
  status!: DeliveryStatus;

  @ApiProperty({ type: [String], nullable: true, example: ['build.completed', 'build.failed'] })
  event_types!: string[] | null;

  @ApiProperty({ type: String, nullable: true, example: '2024-01-01T08:00:00Z' })
  start_date!: string | null;

  @ApiProperty({ type: String, nullable: true, example: '2024-01-01T12:00:00Z' })
  end_date!: string | null;
}

/** A bulk redelivery. */
export class RedeliveryJobResponse {
  @ApiProperty({ example: 'job_01k9zq5v7c2m8x4r6t0w3y5b7d' })
  job_id!: string;

  @ApiProperty({ example: 'webhook_01k9zq5v7c2m8x4r6t0w3y5b7d' })
  webhook_id!: string;

  @ApiProperty({ enum: STATUSES, example: 'running', description: '`pending` until a dispatcher has begun' })
  status!: RedeliveryJobStatus;

  @ApiProperty({ type: String, nullable: true, example: null, description: 'Why it was cancelled or failed' })
  reason!: string | null;

  @ApiProperty()
  filter!: RedeliveryFilterResponse;

  @ApiProperty({ type: 'integer', example: 100 })
  rate_per_second!: number;

  @ApiProperty({ type: 'integer', example: 1_204, description: 'Deliveries that the filter meant at the beginning' })
  matched!: number;

  @ApiProperty({ type: 'integer', example: 301, description: 'Deliveries made so far' })
  redelivered!: number;

  @ApiProperty({ type: 'integer', example: 0, description: 'Those whose payload is no longer kept' })
  skipped!: number;

  @ApiProperty({ example: 25, description: 'Percent' })
  progress!: number;

  @ApiProperty({ example: '2024-01-01T12:00:00Z' })
  created_at!: string;

  @ApiProperty(NULLABLE_INSTANT)
  started_at!: string | null;

  @ApiProperty({ ...NULLABLE_INSTANT, example: null })
  finished_at!: string | null;

  static from(row: RedeliveryJobRow): RedeliveryJobResponse {
    const [matched, redelivered, skipped] = [Number(row.matched), Number(row.redelivered), Number(row.skipped)];
    return {
      job_id: formatId('job', row.id),
      webhook_id: formatId('webhook', row.webhook_id),
      status: row.status,
      reason: row.reason,
      filter: {
        status: row.delivery_status,
        event_types: row.event_types,
        start_date: formatInstantOrNull(row.start_at),
        end_date: formatInstantOrNull(row.end_at),
      },
      rate_per_second: row.rate_per_second,
      matched,
      redelivered,
      skipped,
      progress: row.status === 'completed' ? 100 : percent(redelivered + skipped, matched),
      created_at: formatInstant(row.created_at.getTime()),
      started_at: formatInstantOrNull(row.started_at),
      finished_at: formatInstantOrNull(row.finished_at),
    };
  }
}

export class RedeliveryJobListResponse {
  @ApiProperty({ type: [RedeliveryJobResponse] })
  redeliveries!: RedeliveryJobResponse[];

  @ApiProperty({ type: 'integer', example: 1 })
  total!: number;

  @ApiProperty()
  pagination!: Pagination;
}

/** With two decimals; deliveries that came to match meanwhile make it no more than 100. */
function percent(part: number, whole: number): number {
  return whole === 0 ? 0 : Math.min(100, Math.round((part / whole) * 10_000) / 100);
}
