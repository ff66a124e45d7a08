import { Global, Inject, Module, type DynamicModule, type OnApplicationShutdown } from '@nestjs/common';
import { TypeOrmModule } from '@nestjs/typeorm';
import { Pool } from 'pg';
import { DataSource } from 'typeorm';
import { ENVIRONMENT } from '#config/config.module';
import type { Environment } from '#config/environment';
import type { Logger } from '#observability/logger';
import { LOGGER } from '#observability/observability.module';
import { requestDataSourceOptions } from './data-source';
import { DatabaseConnection } from './database-connection';
import { createBatchPool } from './pools';
import { createSecretBox } from './secret-box';
import { TenantDatabase } from './tenant-database';

/** Injection token of the pool that runs batch statements as `webhooks_batch`. */
export const BATCH_POOL = Symbol('batch pool');
/** Injection token of the {@link SecretBox}. */
export const SECRET_BOX = Symbol('secret box');

/** The database for an app: nothing here waits for the server, see {@link DatabaseConnection}. */
@Global()
@Module({})
export class DatabaseModule implements OnApplicationShutdown {
  constructor(@Inject(BATCH_POOL) private readonly batchPool: Pool) {}

  static for(applicationName: string): DynamicModule {
    return {
      module: DatabaseModule,
      imports: [
        TypeOrmModule.forRootAsync({
          inject: [ENVIRONMENT],
          useFactory: (environment: Environment) => ({
            ...requestDataSourceOptions(environment.databaseUrl, environment.databasePoolSize, applicationName),
            manualInitialization: true,
          }),
        }),
      ],
      providers: [
        {
          provide: BATCH_POOL,
          inject: [ENVIRONMENT, LOGGER],
          useFactory: (environment: Environment, logger: Logger) =>
            createBatchPool(environment.databaseUrl, environment.databasePoolSize, applicationName, (error) => {
              logger.warn({ error: error.message }, 'an idle database connection broke');
            }),
        },
        {
          provide: SECRET_BOX,
          inject: [ENVIRONMENT],
          useFactory: (environment: Environment) => createSecretBox(environment.encryptionKeys),
        },
        DatabaseConnection,
        {
          provide: TenantDatabase,
          inject: [DataSource, BATCH_POOL],
          useFactory: (dataSource: DataSource, pool: Pool) => new TenantDatabase(dataSource, pool),
        },
      ],
      exports: [BATCH_POOL, SECRET_BOX, DatabaseConnection, TenantDatabase],
    };
  }

  async onApplicationShutdown(): Promise<void> {
    await this.batchPool.end();
  }
}
