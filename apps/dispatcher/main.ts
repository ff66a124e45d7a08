import 'reflect-metadata';
import { NestFactory } from '@nestjs/core';
import { FastifyAdapter, type NestFastifyApplication } from '@nestjs/platform-fastify';
import { loadEnvironment, type Environment } from '#config/environment';
import { onStopSignal } from '#kernel/stop-signals';
import { createLogger } from '#observability/logger';
import { NestLogger } from '#observability/nest-logger';
import { DispatcherModule } from './src/dispatcher.module';

void start(readEnvironment());

async function start(environment: Environment): Promise<void> {
  const logger = createLogger(environment.logLevel, 'dispatcher');
  try {
    const app = await NestFactory.create<NestFastifyApplication>(
      DispatcherModule.with(environment, logger),
      new FastifyAdapter(),
      {
        logger: new NestLogger(logger),
      },
    );
    onStopSignal(
      () => app.close(),
      environment.stopDeadlineMs,
      (problem) => {
        logger.error(problem);
      },
    );
    await app.listen(environment.dispatcherPort, environment.host);
    logger.info(`listening on ${await app.getUrl()}`);
  } catch (error) {
    logger.fatal({ err: error }, 'the dispatcher cannot start');
    process.exit(1);
  }
}

function readEnvironment(): Environment {
  try {
    return loadEnvironment(process.env);
  } catch (error) {
    process.stderr.write(`${(error as Error).message}\n`);
    process.exit(1);
  }
}
