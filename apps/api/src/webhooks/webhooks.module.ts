import { Module } from '@nestjs/common';
import { EventTypesModule } from '../event-types/event-types.module';
import { SendingModule } from './sending.module';
import { WebhookReader } from './webhook-reader';
import { WebhooksController } from './webhooks.controller';
import { WebhooksService } from './webhooks.service';

@Module({
  imports: [EventTypesModule, SendingModule],
  controllers: [WebhooksController],
  providers: [WebhooksService, WebhookReader],
})
export class WebhooksModule {}
