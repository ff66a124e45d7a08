import { Global, Module, type DynamicModule } from '@nestjs/common';
import type { Environment } from './environment';

/** Injection token of the typed {@link Environment}. */
export const ENVIRONMENT = Symbol('environment');

/** Gives every module the environment, read once by the app's main.ts. */
@Global()
@Module({})
export class ConfigModule {
  static with(environment: Environment): DynamicModule {
    return {
      module: ConfigModule,
      providers: [{ provide: ENVIRONMENT, useValue: environment }],
      exports: [ENVIRONMENT],
    };
  }
}
