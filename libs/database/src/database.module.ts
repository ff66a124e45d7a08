import { Global, Inject, Module, type DynamicModule, type OnApplicationShutdown } from '@nestjs/common';
import type { Pool } from 'pg';
import { ENVIRONMENT } from '#config/config.module';
import type { Environment } from '#config/environment';
import type { Logger } from '#observability/logger';
import { LOGGER } from '#observability/observability.module';
import { DatabaseConnection } from './database-connection';
import { createServicePool } from './pools';
import { createSecretBox } from './secret-box';

/** Injection token of the pool that runs batch statements as `webhooks_service`. */
export const SERVICE_POOL = Symbol('service pool');
/** Injection token of the {@link SecretBox}. */
export const SECRET_BOX = Symbol('secret box');

/** The database for an app: nothing here waits for the server, see {@link DatabaseConnection}. */
@Global()
@Module({})
export class DatabaseModule implements OnApplicationShutdown {
  constructor(@Inject(SERVICE_POOL) private readonly servicePool: Pool) {}

  static for(applicationName: string): DynamicModule {
    return {
      module: DatabaseModule,
      providers: [
        {
          provide: SERVICE_POOL,
          inject: [ENVIRONMENT, LOGGER],
          useFactory: (environment: Environment, logger: Logger) =>
            createServicePool(environment.databaseUrl, environment.databasePoolSize, applicationName, (error) => {
              logger.warn({ error: error.message }, 'an idle database connection broke');
            }),
        },
        {
          provide: SECRET_BOX,
          inject: [ENVIRONMENT],
          useFactory: (environment: Environment) => createSecretBox(environment.encryptionKeys),
        },
        {
          provide: DatabaseConnection,
          inject: [SERVICE_POOL, LOGGER],
          useFactory: (pool: Pool, logger: Logger) => new DatabaseConnection(pool, logger),
        },
      ],
      exports: [SERVICE_POOL, SECRET_BOX, DatabaseConnection],
    };
  }

  async onApplicationShutdown(): Promise<void> {
    await this.servicePool.end();
  }
}
