import { Module } from '@nestjs/common';
import { QueuesModule } from '#queues/queues.module';
import { EventTypesModule } from '../event-types/event-types.module';
import { KeptHistory } from '../delivery-history/kept-history';
import { SendingModule } from '../sending/sending.module';
import { BlockedLineService } from './blocked-line.service';
import { DeliveriesController } from './deliveries.controller';
import { DeliveryHistory } from './delivery-history';
import { RedeliveryService } from './redelivery.service';
import { TestDeliveryController } from './test-delivery.controller';
import { TestDeliveryService } from './test-delivery.service';

@Module({
  imports: [EventTypesModule, QueuesModule, SendingModule],
  controllers: [DeliveriesController, TestDeliveryController],
  providers: [BlockedLineService, DeliveryHistory, KeptHistory, RedeliveryService, TestDeliveryService],
})
export class DeliveriesModule {}
