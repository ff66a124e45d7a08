import { Module } from '@nestjs/common';
import { DataValidator } from './data-validator';
import { EventTypeCatalog } from './event-type-catalog';

@Module({ providers: [DataValidator, EventTypeCatalog], exports: [DataValidator, EventTypeCatalog] })
export class EventTypesModule {}
