import { Module } from '@nestjs/common';
import { StatsController } from './stats.controller';
import { StatsReader } from './stats-reader';

@Module({ controllers: [StatsController], providers: [StatsReader] })
export class StatsModule {}
