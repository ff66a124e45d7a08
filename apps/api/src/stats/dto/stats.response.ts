import { ApiProperty, ApiPropertyOptional } from '@nestjs/swagger';
import { formatId } from '#kernel/ids';
import { formatInstant } from '#kernel/instants';
import { percentileMs } from '#webhook-rules/latency-histogram';
import { PERIODS, type Period, type Range } from '../../delivery-history/periods';
import { NO_COUNTS, sumCounts, type StatsCounts, type WebhookStats } from '../stats.queries';
import { successRate } from '../../delivery-history/success-rate';

/** Counts of deliveries by how they stand. */
class DeliveryCountsResponse {
  @ApiProperty({ example: 150 })
  total_deliveries!: number;

  @ApiProperty({ example: 145 })
  successful_deliveries!: number;

  @ApiProperty({ example: 5, description: 'Cancelled ones included' })
  failed_deliveries!: number;

  @ApiProperty({ example: 96.67, description: 'Percent of those that finished; cancelled ones do not count' })
  success_rate!: number;

  static from({ created, successful, failed, cancelled }: StatsCounts): DeliveryCountsResponse {
    return {
      total_deliveries: created,
      successful_deliveries: successful,
      failed_deliveries: failed + cancelled,
      success_rate: successRate(successful, failed),
    };
  }
}

export class OverallStatsResponse extends DeliveryCountsResponse {
  @ApiProperty({ example: 0 })
  pending_deliveries!: number;

  @ApiProperty({ type: Number, nullable: true, example: 250, description: 'Milliseconds; null while nothing finished' })
  average_response_time!: number | null;

  @ApiProperty({ type: Number, nullable: true, example: 200, description: 'Within 2 % of exact' })
  median_response_time!: number | null;

  @ApiProperty({ type: Number, nullable: true, example: 500, description: 'Within 2 % of exact' })
  p95_response_time!: number | null;

  static of(counts: StatsCounts, latency: WebhookStats['latency']): OverallStatsResponse {
    const { success_rate, ...totals } = DeliveryCountsResponse.from(counts);
    return {
      ...totals,
      pending_deliveries: counts.created - counts.successful - counts.failed - counts.cancelled,
      success_rate,
      average_response_time: average(counts),
      median_response_time: percentileMs(latency, 0.5),
      p95_response_time: percentileMs(latency, 0.95),
    };
  }
}

export class PeriodStatsResponse extends DeliveryCountsResponse {
  @ApiProperty({ example: '2024-01-01', description: 'Where the period begins; with its time for hours' })
  date!: string;

  @ApiProperty({ type: Number, nullable: true, example: 245 })
  average_response_time!: number | null;

  static of(period: Period, startMs: number, counts: StatsCounts): PeriodStatsResponse {
    const start = formatInstant(startMs);
    return {
      date: period === 'hour' ? start : start.slice(0, 10),
      ...DeliveryCountsResponse.from(counts),
      average_response_time: average(counts),
    };
  }
}

export class EventTypeStatsResponse extends DeliveryCountsResponse {
  @ApiProperty({ example: 'build.completed' })
  event_type!: string;
}

const SERIES = {
  hour: 'hourly_stats',
  day: 'daily_stats',
  week: 'weekly_stats',
  month: 'monthly_stats',
} as const;

export class WebhookStatisticsResponse {
  @ApiProperty({ example: 'webhook_01k9zq5v7c2m8x4r6t0w3y5b7d' })
  webhook_id!: string;

  @ApiProperty({ enum: PERIODS, example: 'day' })
  period!: Period;

  @ApiProperty({ example: '2024-01-01T00:00:00Z' })
  start_date!: string;

  @ApiProperty({ example: '2024-01-07T23:59:59Z', description: 'The last second included' })
  end_date!: string;

  @ApiProperty()
  overall_stats!: OverallStatsResponse;

  @ApiPropertyOptional({ type: [PeriodStatsResponse], description: 'With period=hour' })
  hourly_stats?: PeriodStatsResponse[];

  @ApiPropertyOptional({ type: [PeriodStatsResponse], description: 'With period=day' })
  daily_stats?: PeriodStatsResponse[];

  @ApiPropertyOptional({ type: [PeriodStatsResponse], description: 'With period=week' })
  weekly_stats?: PeriodStatsResponse[];

  @ApiPropertyOptional({ type: [PeriodStatsResponse], description: 'With period=month' })
  monthly_stats?: PeriodStatsResponse[];

  @ApiProperty({ type: [EventTypeStatsResponse], description: 'In the order of the names' })
  event_type_stats!: EventTypeStatsResponse[];

  static from(
    webhookId: string,
    period: Period,
    { fromMs, untilMs }: Range,
    periods: number[],
    stats: WebhookStats,
  ): WebhookStatisticsResponse {
    const series = periods.map((start) =>
      PeriodStatsResponse.of(period, start, stats.byPeriod.get(start) ?? NO_COUNTS),
    );
    return {
      webhook_id: formatId('webhook', webhookId),
      period,
      start_date: formatInstant(fromMs),
      end_date: formatInstant(Math.max(fromMs, untilMs - 1_000)),
      overall_stats: OverallStatsResponse.of(sumCounts(stats.byPeriod.values()), stats.latency),
      [SERIES[period]]: series,
      event_type_stats: [...stats.byEventType].map(([event_type, counts]) => ({
        event_type,
        ...DeliveryCountsResponse.from(counts),
      })),
    };
  }
}

function average({ responseTimes, responseTimeMsSum }: StatsCounts): number | null {
  return responseTimes === 0 ? null : Math.round(responseTimeMsSum / responseTimes);
}
