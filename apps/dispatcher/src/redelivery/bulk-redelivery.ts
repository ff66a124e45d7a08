import { Inject, Injectable } from '@nestjs/common';
import type { Pool } from 'pg';
import { ENVIRONMENT } from '#config/config.module';
import type { Environment } from '#config/environment';
import { SERVICE_POOL } from '#database/database.module';
import { formatId } from '#kernel/ids';
import type { Logger } from '#observability/logger';
import { LOGGER } from '#observability/observability.module';
import { Signals } from '#queues/signals';
import { Periodic } from '../periodic/periodic';
import { noteFailedRound, RoundError, runRound, type Round } from './redelivery.queries';

/** Less than the second between two rounds of a job, so that it falls little behind its pace. */
const EVERY_MS = 250;

/** Works off bulk redeliveries, a second's share of each at a time; dispatchers share the jobs by locking them. */
@Injectable()
export class BulkRedelivery extends Periodic {
  constructor(
    @Inject(SERVICE_POOL) private readonly pool: Pool,
    private readonly signals: Signals,
    @Inject(ENVIRONMENT) private readonly environment: Environment,
    @Inject(LOGGER) private readonly log: Logger,
  ) {
    super('redelivering in bulk', EVERY_MS, (signal) => this.runDue(signal), log);
  }

  private async runDue(signal: AbortSignal): Promise<void> {
    while (!signal.aborted) {
      const round = await this.run();
      if (round === null) return;
      const nowMs = Date.now();
      if (round.made > 0) this.signals.wakeUpAt(nowMs, nowMs);
      if (round.ended !== null) {
        const { jobId, webhookId, ended } = round;
        this.log.info(
          { job: formatId('job', jobId), webhook: formatId('webhook', webhookId), ended },
          'bulk redelivery ended',
        );
      }
    }
  }

  /** One round; a job whose round fails is put off, so that it does not keep the others from theirs. */
  private async run(): Promise<Round | null> {
    try {
      return await runRound(this.pool, this.environment.payloadRetentionDays);
    } catch (error) {
      if (!(error instanceof RoundError)) throw error;
      if (await noteFailedRound(this.pool, error.jobId)) {
        this.log.error({ job: formatId('job', error.jobId), error: String(error.cause) }, 'bulk redelivery given up');
      }
      throw error;
    }
  }
}
