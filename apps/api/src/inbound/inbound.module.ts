import { Module } from '@nestjs/common';
import { QueuesModule } from '#queues/queues.module';
import { SendingModule } from '../sending/sending.module';
import { ActionsService } from './actions.service';
import { ChannelsService } from './channels.service';
import { EndpointReader } from './endpoint-reader';
import { EndpointsService } from './endpoints.service';
import { InboundActionsController } from './inbound-actions.controller';
import { HookImportController, OperatorHookImportController } from './hook-import.controller';
import { HookImportService } from './hook-import.service';
import { InboundChannelsController } from './inbound-channels.controller';
import { InboundLogsController } from './inbound-logs.controller';
import { InboundController } from './inbound.controller';
import { OwnRequestsService } from './own-requests.service';
import { EndpointBudget } from './receive/endpoint-budget';
import { EndpointCache } from './receive/endpoint-cache';
import { Receiver } from './receive/receiver';
import { RejectedLog } from './receive/rejected-log';
import { RequestIntake } from './receive/request-intake';
import { RunResults } from './receive/run-results';

@Module({
  imports: [QueuesModule, SendingModule],
  controllers: [
    InboundChannelsController,
    HookImportController,
    OperatorHookImportController,
    InboundController,
    InboundActionsController,
    InboundLogsController,
  ],
  providers: [
    EndpointsService,
    ActionsService,
    ChannelsService,
    HookImportService,
    EndpointReader,
    OwnRequestsService,
    EndpointCache,
    EndpointBudget,
    RequestIntake,
    RejectedLog,
    RunResults,
    Receiver,
  ],
  exports: [EndpointsService, ActionsService, ChannelsService, EndpointReader, OwnRequestsService],
})
export class InboundModule {}
