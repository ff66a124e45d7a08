import { Inject, Injectable } from '@nestjs/common';
import { Counter, Gauge, Registry } from 'prom-client';
import { ENVIRONMENT } from '#config/config.module';
import type { Environment } from '#config/environment';
import type { Logger } from '#observability/logger';
import { LOGGER } from '#observability/observability.module';
import { Periodic } from '../periodic/periodic';
import { DELETION_GRACE_MS } from './delete-tenants';
import { runRetention, type RetentionReport } from './run-retention';

const EVERY_MS = 120_000;
/** Between two looks at all weeks and webhooks. */
const THOROUGH_EVERY_MS = 3_600_000;

/** Deletes what has had its time; one dispatcher at a time does it, and the next takes over where it was interrupted. */
@Injectable()
export class Retention extends Periodic {
  constructor(
    @Inject(ENVIRONMENT) environment: Environment,
    @Inject(Registry) registry: Registry,
    @Inject(LOGGER) logger: Logger,
  ) {
    const registers = [registry];
    const dropped = new Counter({
      name: 'webhooks_retention_partitions_dropped_total',
      help: 'Partitions dropped by this dispatcher.',
      registers,
    });
    const rows = new Counter({
      name: 'webhooks_retention_rows_deleted_total',
      help: 'Rows of tenants with a shorter retention, old statistics and what is left of the deleted, deleted by this dispatcher.',
      registers,
    });
    const endedAt = new Gauge({
      name: 'webhooks_retention_last_run_timestamp_seconds',
      help: 'When this dispatcher last ended a run; 0 before the first. Take the maximum.',
      registers,
    });
    const note = (report: RetentionReport): void => {
      dropped.inc(report.dropped.length);
      rows.inc(report.rowsOfTenants + report.statsDeleted + report.formerDeleted);
      endedAt.setToCurrentTime();
    };
    let thoroughAt = 0;
    super(
      'retention',
      EVERY_MS,
      async (signal) => {
        const isThorough = performance.now() >= thoroughAt;
        const run = runRetention({
          databaseUrl: environment.databaseUrl,
          policy: {
            payloadDays: environment.payloadRetentionDays,
            recordDays: environment.recordRetentionDays,
            auditDays: environment.auditRetentionDays,
            statsDays: environment.statsRetentionDays,
          },
          nowMs: Date.now(),
          deletionGraceMs: DELETION_GRACE_MS,
          isThorough,
          signal,
          logger,
        });
        const report = await run.catch((error: unknown) => {
          if (signal.aborted) return null; // what is not done is done by the next run
          throw error;
        });
        if (report === null) return;
        note(report);
        if (isThorough) thoroughAt = performance.now() + THOROUGH_EVERY_MS;
      },
      logger,
    );
  }
}
