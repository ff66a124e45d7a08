import { Module, type DynamicModule } from '@nestjs/common';
import { ConfigModule, ENVIRONMENT } from '#config/config.module';
import type { Environment } from '#config/environment';
import { DatabaseModule } from '#database/database.module';
import { createAddressGuard } from '#delivery-client/address-guard';
import { createDeliveryClient } from '#delivery-client/delivery-client';
import { HealthModule } from '#observability/health.module';
import type { Logger } from '#observability/logger';
import { ObservabilityModule } from '#observability/observability.module';
import { QueuesModule } from '#queues/queues.module';
import { BackgroundWork, SCHEDULED_WORK } from './background-work';
import { BacklogMetrics } from './backlog-metrics';
import { DeliveryWorkflow } from './delivery-workflow';
import { JobConsumers } from './job-consumers';
import type { Periodic } from './periodic/periodic';
import { Readiness } from './readiness';
import { Aftermath } from './attempt/aftermath';
import { Attempt, DELIVERY_CLIENT } from './attempt/attempt';
import { AttemptStarter } from './attempt/attempt-starter';
import { Lanes } from './lanes/lanes';
import { OpenBatches } from './batches/open-batches';
import { Slots } from './lanes/slots';
import { Recorder } from './record/recorder';
import { Dispatcher } from './dispatcher';
import { AttemptMetrics } from './attempt/attempt-metrics';
import { FanOutPlanner } from './fan-out/fan-out-planner';
import { FanOut } from './fan-out/fan-out';
import { WebhookDirectory } from './webhooks/webhook-directory';
import { HealthMonitor } from './webhooks/health-monitor/health-monitor';
import { WebhookHealth } from './webhooks/health-monitor/webhook-health';
import { OperationalEvents } from './webhooks/operational-events';
import { ActionConditions } from './inbound-actions/action-conditions';
import { ActionSettingsReader } from './inbound-actions/action-settings-reader';
import { EventForwarder } from './inbound-actions/event-forwarder';
import { InboundActions } from './inbound-actions/inbound-actions';
import { InboundMetrics } from './inbound-actions/inbound-metrics';
import { ACTION_FUNCTIONS, InboundPorts } from './inbound-actions/inbound-ports';
import { loadFunctions } from './inbound-actions/load-functions';
import { RecordKeeper } from './inbound-actions/record-keeper';
import { RunAction } from './inbound-actions/run-action';
import { RunRecorder } from './inbound-actions/run-recorder';
import { OrderingQueueRepair } from './reconcile/repair-ordering-queues';
import { DispatcherIdentity } from './ownership/dispatcher-identity';
import { Leases } from './ownership/leases';
import { Orphans } from './reconcile/orphans';
import { OverdueBatches } from './reconcile/overdue-batches';
import { Reconciler } from './reconcile/reconciler';
import { TakeOver } from './reconcile/take-over';
import { WaitingWork } from './reconcile/waiting-work';
import { BulkRedelivery } from './redelivery/bulk-redelivery';
import { Housekeeping } from './retention/housekeeping';
import { StorageMetrics } from './retention/storage-metrics';
import { Retention } from './retention/retention';
import { Admission } from './retry/admission';
import { Claims } from './retry/claims';
import { HeldDrain } from './retry/held-drain';
import { InboundUpkeep } from './inbound-upkeep/inbound-upkeep';
import { Rollup } from './rollup/rollup';

/** Deliveries of one webhook held in memory, for each request it may have under way. */
const LANE_DEPTH = 8;
/** Requests that hang, beside those that are young; one costs some 10 KB. */
const SLOW_FACTOR = 8;
const SLOW_AFTER_MS = 1_000;

/** Everything that runs by the clock, see {@link SCHEDULED_WORK}. */
const SCHEDULED = [
  Rollup,
  InboundUpkeep,
  Housekeeping,
  Retention,
  StorageMetrics,
  BulkRedelivery,
  WebhookHealth,
  HealthMonitor,
  OrderingQueueRepair,
  HeldDrain,
];

/** The dispatcher app: what it is made of, and nothing else. */
@Module({})
export class DispatcherModule {
  static with(environment: Environment, logger: Logger): DynamicModule {
    return {
      module: DispatcherModule,
      imports: [
        ConfigModule.with(environment),
        ObservabilityModule.with(logger),
        DatabaseModule.for('webhooks-dispatcher'),
        QueuesModule,
        HealthModule,
      ],
      providers: [
        {
          provide: DELIVERY_CLIENT,
          inject: [ENVIRONMENT],
          useFactory: (settings: Environment) =>
            createDeliveryClient({
              guard: createAddressGuard({
                allowedCidrs: settings.deliveryAllowedCidrs,
                requireHttps: settings.requireHttps,
              }),
              maxStoredResponseBytes: settings.maxStoredResponseBytes,
              // Never fewer than there may be requests: webhooks that hang would take the connections of their neighbours on
              // the same host. What one webhook may have is bounded by its lane.
              connectionsPerOrigin: settings.dispatcherMaxInFlight * (1 + SLOW_FACTOR),
            }),
        },
        {
          provide: Lanes,
          inject: [ENVIRONMENT],
          useFactory: (settings: Environment) =>
            new Lanes({
              slots: new Slots({
                maxInFlight: settings.dispatcherMaxInFlight,
                maxSlow: settings.dispatcherMaxInFlight * SLOW_FACTOR,
                slowAfterMs: SLOW_AFTER_MS,
              }),
              maxInFlightPerWebhook: settings.webhookMaxInFlight,
              laneCapacity: settings.webhookMaxInFlight * LANE_DEPTH,
              maxBytes: settings.dispatcherMemoryBytes,
            }),
        },
        {
          provide: ACTION_FUNCTIONS,
          inject: [ENVIRONMENT],
          useFactory: (settings: Environment) => loadFunctions(settings.inboundHandlers),
        },
        DispatcherIdentity,
        WebhookDirectory,
        FanOutPlanner,
        FanOut,
        Attempt,
        AttemptStarter,
        OpenBatches,
        Recorder,
        Aftermath,
        OperationalEvents,
        Admission,
        Claims,
        Leases,
        ActionConditions,
        ActionSettingsReader,
        RecordKeeper,
        EventForwarder,
        InboundPorts,
        InboundMetrics,
        RunRecorder,
        RunAction,
        InboundActions,
        TakeOver,
        Orphans,
        OverdueBatches,
        WaitingWork,
        Reconciler,
        {
          provide: SCHEDULED_WORK,
          inject: SCHEDULED,
          useFactory: (...works: Periodic[]) => works,
        },
        ...SCHEDULED,
        BackgroundWork,
        DeliveryWorkflow,
        JobConsumers,
        Readiness,
        AttemptMetrics,
        BacklogMetrics,
        Dispatcher,
      ],
    };
  }
}
