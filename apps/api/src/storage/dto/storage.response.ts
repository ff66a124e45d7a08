import { ApiProperty } from '@nestjs/swagger';
import { formatInstant } from '#kernel/instants';
import type { HistoryUse, PartitionUse, StorageUse } from '../storage.service';

const INSTANT = '2024-01-01T00:00:00Z';
const ESTIMATE = "By the database's own statistics, without counting; null before the first";

export class TableSizeResponse {
  @ApiProperty({ example: 'deliveries' })
  table!: string;

  @ApiProperty({ example: 734_003_200, description: 'Indexes included' })
  bytes!: number;

  @ApiProperty({ type: Number, nullable: true, example: 1_000_000, description: ESTIMATE })
  estimated_rows!: number | null;
}

export class PartitionResponse {
  @ApiProperty({ example: 'deliveries_2024w01' })
  partition!: string;

  @ApiProperty({ example: INSTANT, description: 'It holds what was made from here' })
  from!: string;

  @ApiProperty({ example: '2024-01-08T00:00:00Z', description: 'to here, exclusive' })
  until!: string;

  @ApiProperty({ example: 73_400_320 })
  bytes!: number;

  @ApiProperty({ type: Number, nullable: true, example: 100_000, description: ESTIMATE })
  estimated_rows!: number | null;

  @ApiProperty({ example: '2024-04-07T01:00:00Z', description: 'The first run of retention after it drops it' })
  drop_due_at!: string;

  @ApiProperty({
    enum: ['kept', 'due', 'dropping'],
    description: '`due` for long means that unfinished work needs rows of it, or that somebody holds a lock on it',
  })
  status!: 'kept' | 'due' | 'dropping';

  static from(partition: PartitionUse, nowMs: number): PartitionResponse {
    const due = partition.dropDueAtMs <= nowMs ? 'due' : 'kept';
    return {
      partition: partition.name,
      from: formatInstant(partition.fromMs),
      until: formatInstant(partition.untilMs),
      bytes: partition.bytes,
      estimated_rows: partition.estimatedRows,
      drop_due_at: formatInstant(partition.dropDueAtMs),
      status: partition.isDetaching ? 'dropping' : due,
    };
  }
}

export class HistoryTableResponse {
  @ApiProperty({ example: 'deliveries' })
  table!: string;

  @ApiProperty({ example: 90 })
  keep_days!: number;

  @ApiProperty({ type: String, nullable: true, example: INSTANT, description: 'When its oldest row was made' })
  oldest_at!: string | null;

  @ApiProperty({ type: String, nullable: true, example: '2024-03-01T12:00:00Z' })
  newest_at!: string | null;

  @ApiProperty({ type: () => PartitionResponse, nullable: true, description: 'Of those with rows, the one to go next' })
  next_drop!: PartitionResponse | null;

  @ApiProperty({ type: [PartitionResponse], description: 'Oldest first, those made ahead included' })
  partitions!: PartitionResponse[];

  static from({ table, keepDays, oldestMs, newestMs, partitions }: HistoryUse, nowMs: number): HistoryTableResponse {
    const next = partitions.find(({ untilMs }) => oldestMs !== null && untilMs > oldestMs);
    return {
      table: table.name,
      keep_days: keepDays,
      oldest_at: oldestMs === null ? null : formatInstant(oldestMs),
      newest_at: newestMs === null ? null : formatInstant(newestMs),
      next_drop: next === undefined ? null : PartitionResponse.from(next, nowMs),
      partitions: partitions.map((partition) => PartitionResponse.from(partition, nowMs)),
    };
  }
}

export class BacklogResponse {
  @ApiProperty({
    example: 0,
    description: 'Batches of events to fan out, scheduled ones included; counted up to 100,000',
  })
  fan_outs!: number;

  @ApiProperty({ example: 12, description: 'Deliveries that wait, retries included; counted up to 100,000' })
  deliveries!: number;

  @ApiProperty({ example: 0, description: 'Bulk redeliveries under way' })
  redelivery_jobs!: number;

  @ApiProperty({ example: 0, description: 'Deleted tenants whose rows are still to go' })
  tenants_to_delete!: number;
}

export class RetentionResponse {
  @ApiProperty({ example: 30 })
  payload_days!: number;

  @ApiProperty({ example: 90 })
  record_days!: number;

  @ApiProperty({ example: 365 })
  audit_days!: number;

  @ApiProperty({ example: 400 })
  stats_days!: number;
}

export class StorageResponse {
  @ApiProperty({ example: 1_073_741_824, description: 'All tables with their indexes' })
  total_bytes!: number;

  @ApiProperty()
  retention!: RetentionResponse;

  @ApiProperty({ type: [TableSizeResponse], description: 'The largest first' })
  tables!: TableSizeResponse[];

  @ApiProperty({ type: [HistoryTableResponse], description: 'The tables that are kept by weeks' })
  history!: HistoryTableResponse[];

  @ApiProperty()
  backlog!: BacklogResponse;

  static from({ days, tables, history, backlog }: StorageUse, nowMs: number): StorageResponse {
    return {
      total_bytes: tables.reduce((total, { bytes }) => total + bytes, 0),
      retention: {
        payload_days: days.payloadDays,
        record_days: days.recordDays,
        audit_days: days.auditDays,
        stats_days: days.statsDays,
      },
      tables: tables.map(({ name, bytes, estimatedRows }) => ({ table: name, bytes, estimated_rows: estimatedRows })),
      history: history.map((use) => HistoryTableResponse.from(use, nowMs)),
      backlog,
    };
  }
}
