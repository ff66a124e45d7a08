import { Inject, Injectable, type BeforeApplicationShutdown, type OnApplicationBootstrap } from '@nestjs/common';
import { ENVIRONMENT } from '#config/config.module';
import type { Environment } from '#config/environment';
import { DatabaseConnection } from '#database/database-connection';
import type { Logger } from '#observability/logger';
import { LOGGER } from '#observability/observability.module';
import { BackgroundWork } from './background-work';
import { DeliveryWorkflow } from './delivery-workflow';
import { JobConsumers } from './job-consumers';
import { DispatcherIdentity } from './ownership/dispatcher-identity';

/**
 * The dispatcher's life: waits for the database, takes jobs, and stops in order, so that every delivery is either finished
 * and recorded or put back.
 */
@Injectable()
export class Dispatcher implements OnApplicationBootstrap, BeforeApplicationShutdown {
  private started = false;
  private stopping = false;

  constructor(
    @Inject(ENVIRONMENT) private readonly environment: Environment,
    private readonly database: DatabaseConnection,
    private readonly identity: DispatcherIdentity,
    private readonly jobs: JobConsumers,
    private readonly deliveries: DeliveryWorkflow,
    private readonly background: BackgroundWork,
    @Inject(LOGGER) private readonly logger: Logger,
  ) {}

  onApplicationBootstrap(): void {
    void this.start();
  }

  async beforeApplicationShutdown(): Promise<void> {
    this.stopping = true;
    if (!this.started) return;
    await Promise.all([this.jobs.stop(), this.background.stopReconciling()]);
    const graceMs = this.environment.stopDeadlineMs / 2;
    await this.deliveries.stop(graceMs, () => this.background.stopInbound(graceMs));
    await this.background.stop();
    await this.identity.stop();
    this.logger.info('stopped; nothing is in flight');
  }

  private async start(): Promise<void> {
    await this.database.untilReady();
    if (this.stopping) return;
    this.started = true;
    this.identity.start(() => {
      this.deliveries.forget();
    });
    this.jobs.start();
    this.deliveries.start();
    this.background.start();
  }
}
