import { Inject, Injectable } from '@nestjs/common';
import type { Pool } from 'pg';
import { Gauge, Registry } from 'prom-client';
import { ENVIRONMENT } from '#config/config.module';
import type { Environment } from '#config/environment';
import { SERVICE_POOL } from '#database/database.module';
import { listPartitions } from '#database/partitions.queries';
import { dropDueAtMs, RETAINED_TABLES } from '#database/retained-tables';
import { readTableSizes } from '#database/storage.queries';
import type { Logger } from '#observability/logger';
import { LOGGER } from '#observability/observability.module';
import { Periodic } from '../periodic/periodic';

const EVERY_MS = 60_000;

/** Gauges of what is on the disk, read from the catalog once a minute however often Prometheus asks. */
@Injectable()
export class StorageMetrics extends Periodic {
  constructor(
    @Inject(SERVICE_POOL) pool: Pool,
    @Inject(ENVIRONMENT) environment: Environment,
    @Inject(Registry) registry: Registry,
    @Inject(LOGGER) logger: Logger,
  ) {
    const gauge = (name: string, help: string): Gauge<'table'> =>
      new Gauge({ name, help, labelNames: ['table'], registers: [registry] });
    const bytes = gauge('webhooks_storage_bytes', 'Bytes of a table with its indexes and partitions.');
    const rows = gauge('webhooks_storage_rows', "Rows of a table, by the database's own estimate.");
    const overdue = gauge(
      'webhooks_storage_partitions_due',
      'Partitions whose retention has ended and that are still there, for unfinished work or for a lock.',
    );
    const days = {
      payloadDays: environment.payloadRetentionDays,
      recordDays: environment.recordRetentionDays,
      auditDays: environment.auditRetentionDays,
    };
    super(
      'measuring storage',
      EVERY_MS,
      async () => {
        for (const { name, bytes: size, estimatedRows } of await readTableSizes(pool)) {
          bytes.set({ table: name }, size);
          if (estimatedRows !== null) rows.set({ table: name }, estimatedRows);
        }
        const partitions = await listPartitions(pool);
        for (const table of RETAINED_TABLES) {
          const due = partitions.filter(
            (partition) => partition.table === table.name && dropDueAtMs(table, partition.untilMs, days) <= Date.now(),
          );
          overdue.set({ table: table.name }, due.length);
        }
      },
      logger,
    );
  }
}
