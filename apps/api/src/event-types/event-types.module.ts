import { Module } from '@nestjs/common';
import { DataValidator } from './data-validator';
import { EventTypeCatalog } from './event-type-catalog';
import { EventTypeReader } from './event-type-reader';
import { EventTypeSettingsController } from './event-type-settings.controller';
import { EventTypesController } from './event-types.controller';
import { EventTypesService } from './event-types.service';

@Module({
  controllers: [EventTypesController, EventTypeSettingsController],
  providers: [DataValidator, EventTypeCatalog, EventTypeReader, EventTypesService],
  exports: [DataValidator, EventTypeCatalog],
})
export class EventTypesModule {}
