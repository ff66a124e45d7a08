import { Inject, Module, type OnModuleInit } from '@nestjs/common';
import type { Pool } from 'pg';
import { EventIntake } from '#accept/event-intake';
import { PublishBudget } from '#accept/publish-budget';
import { SERVICE_POOL } from '#database/database.module';
import { systemClock } from '#kernel/clock';
import { HealthChecks } from '#observability/health-checks';
import { QUEUE_BACKEND, QueuesModule } from '#queues/queues.module';
import type { QueueBackend } from '#queues/queue-backend';
import { Signals } from '#queues/signals';
import { EventTypesModule } from '../event-types/event-types.module';
import { KeptHistory } from '../delivery-history/kept-history';
import { EventsController } from './events.controller';
import { EventsQueries } from './events.queries';
import { ExplainService } from './explain.service';
import { PublishLimits } from './publish-limits';
import { ScheduledEvents } from './scheduled-events';
import { PublisherService } from './publisher.service';

@Module({
  imports: [QueuesModule, EventTypesModule],
  controllers: [EventsController],
  providers: [
    EventsQueries,
    KeptHistory,
    PublisherService,
    PublishLimits,
    ScheduledEvents,
    ExplainService,
    { provide: PublishBudget, inject: [SERVICE_POOL], useFactory: (pool: Pool) => new PublishBudget(pool) },
    {
      provide: EventIntake,
      inject: [SERVICE_POOL, Signals],
      useFactory: (pool: Pool, signals: Signals) => new EventIntake(pool, signals, systemClock),
    },
  ],
})
export class EventsModule implements OnModuleInit {
  constructor(
    private readonly health: HealthChecks,
    @Inject(QUEUE_BACKEND) private readonly queues: QueueBackend,
  ) {}

  /** Events are accepted while the queue is away; they are then delivered a little later. */
  onModuleInit(): void {
    this.health.register('queue', { required: false }, () => this.queues.problem());
  }
}
