import { Global, Inject, Module, type DynamicModule, type OnApplicationShutdown } from '@nestjs/common';
import { TypeOrmModule } from '@nestjs/typeorm';
import type { Pool } from 'pg';
import { DataSource } from 'typeorm';
import { ENVIRONMENT } from '#config/config.module';
import type { Environment } from '#config/environment';
import { requestDataSourceOptions } from './data-source';
import { DatabaseConnection } from './database-connection';
import { SERVICE_POOL } from './database.module';
import { TenantDatabase } from './tenant-database';

/** What requests of tenants read and write through, beside {@link DatabaseModule}; only the API has any. */
@Global()
@Module({})
export class TenantDatabaseModule implements OnApplicationShutdown {
  constructor(
    @Inject(DataSource) private readonly dataSource: DataSource,
    @Inject(DatabaseConnection) private readonly connection: DatabaseConnection,
  ) {
    connection.opens(async () => {
      if (!dataSource.isInitialized) await dataSource.initialize();
    });
  }

  static for(applicationName: string): DynamicModule {
    return {
      module: TenantDatabaseModule,
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
          provide: TenantDatabase,
          inject: [DataSource, SERVICE_POOL],
          useFactory: (dataSource: DataSource, pool: Pool) => new TenantDatabase(dataSource, pool),
        },
      ],
      exports: [TenantDatabase],
    };
  }

  async onApplicationShutdown(): Promise<void> {
    await this.connection.stop();
    if (this.dataSource.isInitialized) await this.dataSource.destroy();
  }
}
