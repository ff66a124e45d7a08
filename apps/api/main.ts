import 'reflect-metadata';
import { loadEnvironment, type Environment } from '#config/environment';
import { onStopSignal } from '#kernel/stop-signals';
import { createLogger } from '#observability/logger';
import { createApi } from './src/http/create-api';

void start(readEnvironment());

async function start(environment: Environment): Promise<void> {
  const logger = createLogger(environment.logLevel, 'api');
  try {
    const app = await createApi(environment, logger);
    onStopSignal(
      () => app.close(),
      environment.stopDeadlineMs,
      (problem) => {
        logger.error(problem);
      },
    );
    await app.listen(environment.port, environment.host);
    logger.info(`listening on ${await app.getUrl()}`);
  } catch (error) {
    logger.fatal({ err: error }, 'the API cannot start');
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
