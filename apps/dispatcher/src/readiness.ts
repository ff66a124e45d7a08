import { Inject, Injectable, type OnApplicationBootstrap } from '@nestjs/common';
import { DatabaseConnection } from '#database/database-connection';
import { HealthChecks } from '#observability/health-checks';
import type { QueueBackend } from '#queues/queue-backend';
import { QUEUE_BACKEND } from '#queues/queues.module';
import { DispatcherIdentity } from './ownership/dispatcher-identity';

/** What `/readyz` of the dispatcher checks. */
@Injectable()
export class Readiness implements OnApplicationBootstrap {
  constructor(
    private readonly checks: HealthChecks,
    private readonly database: DatabaseConnection,
    @Inject(QUEUE_BACKEND) private readonly queues: QueueBackend,
    private readonly identity: DispatcherIdentity,
  ) {}

  onApplicationBootstrap(): void {
    this.checks.register('database', { required: true }, () => this.database.problem());
    this.checks.register('queue', { required: false }, () => this.queues.problem());
    this.checks.register('dispatching', { required: true }, () =>
      Promise.resolve(this.identity.maySend() ? null : 'waiting to register with the database'),
    );
  }
}
