import { Global, Module, type DynamicModule } from '@nestjs/common';
import { collectDefaultMetrics, Registry } from 'prom-client';
import type { Logger } from './logger';

/** Injection token of the process's {@link Logger}. */
export const LOGGER = Symbol('logger');

/** Gives every module the logger and the registry of metrics. */
@Global()
@Module({})
export class ObservabilityModule {
  static with(logger: Logger): DynamicModule {
    const registry = new Registry();
    collectDefaultMetrics({ register: registry });
    return {
      module: ObservabilityModule,
      providers: [
        { provide: LOGGER, useValue: logger },
        { provide: Registry, useValue: registry },
      ],
      exports: [LOGGER, Registry],
    };
  }
}
