import { Inject, Injectable } from '@nestjs/common';
import type { Pool } from 'pg';
import { ENVIRONMENT } from '#config/config.module';
import type { Environment } from '#config/environment';
import { SERVICE_POOL } from '#database/database.module';
import type { Logger } from '#observability/logger';
import { LOGGER } from '#observability/observability.module';
import { disableWebhook } from '../disable-webhook.queries';
import { OperationalEvents } from '../operational-events';
import { Periodic } from '../../periodic/periodic';

const EVERY_MS = 30_000;
const HOUR_MS = 3_600_000;
/** Fewer failures, or spread over less time, never disable a webhook: it may just be rarely called. */
const MIN_FAILURES = 10;
const MIN_HOURS = 12;
/** Shares of the time until a webhook is disabled at which its owner is warned. */
const WARN_AT = [0.01, 0.25, 0.5, 0.75, 0.95];

interface FailingRow {
  webhook_id: string;
  tenant_id: string;
  failing_since: Date;
  failures: number;
  warnings: number;
  last_error: string | null;
  overdue: boolean;
}

/** Warns of webhooks that have failed for long without a single success, and disables them in the end. */
@Injectable()
export class HealthMonitor extends Periodic {
  private readonly disableAfterMs: number;

  constructor(
    @Inject(SERVICE_POOL) private readonly pool: Pool,
    private readonly events: OperationalEvents,
    @Inject(ENVIRONMENT) environment: Environment,
    @Inject(LOGGER) private readonly log: Logger,
  ) {
    super('watching the health of webhooks', EVERY_MS, () => this.look(), log);
    this.disableAfterMs = Math.max(environment.disableAfterHours, MIN_HOURS) * HOUR_MS;
  }

  private async look(): Promise<void> {
    const result = await this.pool.query<FailingRow>({
      text: `SELECT webhook_id, tenant_id, failing_since, failures, warnings, last_error,
               failing_since <= now() - make_interval(secs => $1) AS overdue
             FROM webhook_health WHERE failures >= $2 AND failing_since <= now() - make_interval(secs => $3)
             ORDER BY failing_since LIMIT 1000`,
      values: [this.disableAfterMs / 1000, MIN_FAILURES, (this.disableAfterMs * (WARN_AT[0] ?? 0)) / 1000],
    });
    for (const row of result.rows) {
      if (row.overdue) await this.disable(row);
      else await this.warn(row);
    }
  }

  private async disable(row: FailingRow): Promise<void> {
    const reason = `Every attempt has failed since ${row.failing_since.toISOString()}`;
    const disabled = await disableWebhook(this.pool, row.tenant_id, row.webhook_id, reason);
    await this.pool.query('DELETE FROM webhook_health WHERE webhook_id = $1', [row.webhook_id]);
    if (!disabled) return;
    this.log.warn({ webhook: row.webhook_id }, 'webhook disabled: it has failed for too long');
    await this.events.disabled(row.tenant_id, row.webhook_id, reason, row.last_error);
  }

  /** The row remembers how many warnings went out, so that one dispatcher sends each, once. */
  private async warn(row: FailingRow): Promise<void> {
    const share = (Date.now() - row.failing_since.getTime()) / this.disableAfterMs;
    const due = WARN_AT.filter((at) => share >= at).length;
    if (due <= row.warnings) return;
    const mine = await this.pool.query(
      'UPDATE webhook_health SET warnings = $3 WHERE webhook_id = $1 AND warnings = $2',
      [row.webhook_id, row.warnings, due],
    );
    if (mine.rowCount !== 1) return;
    await this.events.failing({
      webhookId: row.webhook_id,
      tenantId: row.tenant_id,
      failingSince: row.failing_since,
      failures: row.failures,
      lastError: row.last_error,
      disableAt: new Date(row.failing_since.getTime() + this.disableAfterMs),
    });
  }
}
