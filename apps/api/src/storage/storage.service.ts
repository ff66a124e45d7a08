import { Inject, Injectable } from '@nestjs/common';
import { Pool } from 'pg';
import { ENVIRONMENT } from '#config/config.module';
import type { Environment } from '#config/environment';
import { SERVICE_POOL } from '#database/database.module';
import { listPartitions, type Partition } from '#database/partitions.queries';
import {
  dropDueAtMs,
  keepDays,
  RETAINED_TABLES,
  type RetainedTable,
  type InstallationDays,
} from '#database/retained-tables';
import { readTableSizes, type TableSize } from '#database/storage.queries';
import { uuidTimeMs } from '#kernel/ids';
import { countBacklog, findEnds, type BacklogCounts } from './storage.queries';

export interface PartitionUse extends Partition {
  dropDueAtMs: number;
}

/** A table that is partitioned by weeks. */
export interface HistoryUse {
  table: RetainedTable;
  keepDays: number;
  oldestMs: number | null;
  newestMs: number | null;
  partitions: PartitionUse[];
}

export interface StorageUse {
  days: InstallationDays & { statsDays: number };
  tables: TableSize[];
  history: HistoryUse[];
  backlog: BacklogCounts;
}

/** What the service has on the disk, from the catalog: nothing is scanned, so asking costs some milliseconds. */
@Injectable()
export class StorageService {
  constructor(
    @Inject(SERVICE_POOL) private readonly pool: Pool,
    @Inject(ENVIRONMENT) private readonly environment: Environment,
  ) {}

  async read(): Promise<StorageUse> {
    const days = {
      payloadDays: this.environment.payloadRetentionDays,
      recordDays: this.environment.recordRetentionDays,
      auditDays: this.environment.auditRetentionDays,
      statsDays: this.environment.statsRetentionDays,
    };
    const [tables, partitions, backlog] = [
      await readTableSizes(this.pool),
      await listPartitions(this.pool),
      await countBacklog(this.pool),
    ];
    const history: HistoryUse[] = [];
    for (const table of RETAINED_TABLES) {
      const { oldest, newest } = await findEnds(this.pool, table.name, table.key);
      history.push({
        table,
        keepDays: keepDays(table, days),
        oldestMs: oldest === null ? null : uuidTimeMs(oldest),
        newestMs: newest === null ? null : uuidTimeMs(newest),
        partitions: partitions
          .filter((partition) => partition.table === table.name)
          .map((partition) => ({ ...partition, dropDueAtMs: dropDueAtMs(table, partition.untilMs, days) })),
      });
    }
    return { days, tables, history, backlog };
  }
}
