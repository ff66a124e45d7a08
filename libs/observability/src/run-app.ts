import { setFlagsFromString } from 'node:v8';
import { loadEnvironment, type Environment } from '#config/environment';
import { onStopSignal } from '#kernel/stop-signals';
import { createLogger, type Logger } from './logger';

// The whole heap is collected when it has grown by half, not by a multiple: 187 MiB resident in the dispatcher at full
// load where it was 264 and growing, for no CPU that could be measured.
setFlagsFromString('--heap-growing-percent=50');

/** As much of a Nest application as starting and stopping it takes. */
interface RunnableApp {
  listen(port: number, host: string): Promise<unknown>;
  close(): Promise<void>;
}

/**
 * Runs an app as a process of its own until a signal stops it. A wrong environment ends it at once with one
 * clear message.
 */
export async function runApp(
  service: string,
  portOf: (environment: Environment) => number,
  create: (environment: Environment, logger: Logger) => Promise<RunnableApp>,
): Promise<void> {
  const environment = readEnvironment();
  const logger = createLogger(environment.logLevel, service);
  try {
    const app = await create(environment, logger);
    onStopSignal(
      () => app.close(),
      environment.stopDeadlineMs,
      (problem) => {
        logger.error(problem);
      },
    );
    const { host } = environment;
    const port = portOf(environment);
    await app.listen(port, host);
    // Not what the framework says, which shows loopback for all addresses.
    logger.info(`listening on http://${host.includes(':') ? `[${host}]` : host}:${port}`);
  } catch (error) {
    logger.fatal({ err: error }, `the ${service} cannot start`);
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
