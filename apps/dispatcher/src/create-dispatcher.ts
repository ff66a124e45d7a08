import { NestFactory } from '@nestjs/core';
import { FastifyAdapter, type NestFastifyApplication } from '@nestjs/platform-fastify';
import type { Environment } from '#config/environment';
import type { Logger } from '#observability/logger';
import { NestLogger } from '#observability/nest-logger';
import { DispatcherModule } from './dispatcher.module';

/** The dispatcher, ready to listen for health checks; neither Postgres nor Redis has to be there. */
export function createDispatcher(environment: Environment, logger: Logger): Promise<NestFastifyApplication> {
  return NestFactory.create<NestFastifyApplication>(DispatcherModule.with(environment, logger), new FastifyAdapter(), {
    logger: new NestLogger(logger),
  });
}
