import { Inject, Injectable } from '@nestjs/common';
import { ENVIRONMENT } from '#config/config.module';
import type { Environment } from '#config/environment';
import type { TenantLimits } from '#database/entities/tenant.entity';
import { shorterOf } from '#database/retained-tables';

/** What a caller is that retention depends on. */
export interface RetentionOf {
  readonly limits: TenantLimits;
}

/** From when on (Unix ms) a tenant's history is kept. */
export interface HistoryStart {
  payloadsMs: number;
  /** A whole hour, which is what statistics are kept by: counts need no look at the rows. */
  recordsMs: number;
}

const DAY_MS = 86_400_000;
const HOUR_MS = 3_600_000;

/**
 * What requests see of history. Rows go some days after their time is over, a whole week at once; what has had its time
 * is not shown any more from that instant on, so that lists, totals and statistics agree and nothing comes and goes.
 */
@Injectable()
export class KeptHistory {
  constructor(@Inject(ENVIRONMENT) private readonly environment: Environment) {}

  startsAt({ limits }: RetentionOf, nowMs: number): HistoryStart {
    const days = shorterOf(
      { payloadDays: this.environment.payloadRetentionDays, recordDays: this.environment.recordRetentionDays },
      { payloadDays: limits.payload_retention_days ?? null, recordDays: limits.record_retention_days ?? null },
    );
    return {
      payloadsMs: nowMs - days.payloadDays * DAY_MS,
      recordsMs: Math.ceil((nowMs - days.recordDays * DAY_MS) / HOUR_MS) * HOUR_MS,
    };
  }
}
