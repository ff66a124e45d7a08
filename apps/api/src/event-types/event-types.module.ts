import { Module } from '@nestjs/common';
import { EventTypeCatalog } from './event-type-catalog';

@Module({ providers: [EventTypeCatalog], exports: [EventTypeCatalog] })
export class EventTypesModule {}
