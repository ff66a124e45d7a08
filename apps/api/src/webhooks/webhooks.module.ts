import { Module } from '@nestjs/common';
import { EventTypesModule } from '../event-types/event-types.module';
import { SecretRotationController } from './secret-rotation.controller';
import { SecretRotationService } from './secret-rotation.service';
import { SendingModule } from '../sending/sending.module';
import { KeptHistory } from '../delivery-history/kept-history';
import { WebhookReader } from './webhook-reader';
import { WebhooksController } from './webhooks.controller';
import { WebhooksService } from './webhooks.service';

@Module({
  imports: [EventTypesModule, SendingModule],
  controllers: [WebhooksController, SecretRotationController],
  providers: [KeptHistory, WebhooksService, WebhookReader, SecretRotationService],
})
export class WebhooksModule {}
