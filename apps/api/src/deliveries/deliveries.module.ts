import { Module } from '@nestjs/common';
import { DeliveriesController } from './deliveries.controller';
import { DeliveryHistory } from './delivery-history';

@Module({ controllers: [DeliveriesController], providers: [DeliveryHistory] })
export class DeliveriesModule {}
