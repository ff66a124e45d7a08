import { Global, Inject, Module, type OnApplicationBootstrap, type OnApplicationShutdown } from '@nestjs/common';
import { ENVIRONMENT } from '#config/config.module';
import type { Environment } from '#config/environment';
import { DatabaseConnection } from '#database/database-connection';
import type { Logger } from '#observability/logger';
import { LOGGER } from '#observability/observability.module';
import { createQueueBackend, type QueueBackend } from './queue-backend';
import { Signals } from './signals';

/** Injection token of the {@link QueueBackend}. */
export const QUEUE_BACKEND = Symbol('queue backend');

/** BullMQ for an app. */
@Global()
@Module({
  providers: [
    {
      provide: QUEUE_BACKEND,
      inject: [ENVIRONMENT, DatabaseConnection, LOGGER],
      useFactory: (environment: Environment, database: DatabaseConnection, logger: Logger): QueueBackend =>
        createQueueBackend({
          redisUrl: environment.redisUrl,
          databaseUrl: environment.databaseUrl,
          prefix: environment.queuePrefix,
          databaseReady: () => database.untilReady(),
          databaseProblem: () => database.problem(),
          logger,
        }),
    },
    {
      provide: Signals,
      inject: [QUEUE_BACKEND, LOGGER],
      useFactory: (backend: QueueBackend, logger: Logger) => new Signals(backend, logger),
    },
  ],
  exports: [QUEUE_BACKEND, Signals],
})
export class QueuesModule implements OnApplicationBootstrap, OnApplicationShutdown {
  constructor(
    @Inject(QUEUE_BACKEND) private readonly backend: QueueBackend,
    private readonly signals: Signals,
  ) {}

  onApplicationBootstrap(): void {
    void this.signals.untilOpen();
  }

  async onApplicationShutdown(): Promise<void> {
    await this.backend.close();
  }
}
