import { Module } from '@nestjs/common';
import { RedeliveryJobsController } from './redelivery-jobs.controller';
import { RedeliveryJobsService } from './redelivery-jobs.service';

@Module({ controllers: [RedeliveryJobsController], providers: [RedeliveryJobsService] })
export class RedeliveriesModule {}
