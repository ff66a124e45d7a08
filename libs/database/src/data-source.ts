import { DataSource, type DataSourceOptions } from 'typeorm';
import { InboundActionEntity } from './entities/inbound-action.entity';
import { InboundChannelEntity } from './entities/inbound-channel.entity';
import { InboundEndpointEntity } from './entities/inbound-endpoint.entity';
import { TenantEntity } from './entities/tenant.entity';
import { TokenEntity } from './entities/token.entity';
import { UserEntity } from './entities/user.entity';
import { WebhookEntity } from './entities/webhook.entity';
import { MIGRATIONS } from './migrations';
import { roleConfig } from './pools';

const ENTITIES = [
  TenantEntity,
  UserEntity,
  TokenEntity,
  WebhookEntity,
  InboundEndpointEntity,
  InboundActionEntity,
  InboundChannelEntity,
];

/** Options of the data source that requests use: it runs as `webhooks_request`, behind row-level security. */
export function requestDataSourceOptions(
  databaseUrl: string,
  poolSize: number,
  applicationName: string,
): DataSourceOptions {
  const { connectionString, options, application_name, ...pool } = roleConfig(
    databaseUrl,
    'webhooks_request',
    applicationName,
  );
  return {
    type: 'postgres',
    url: databaseUrl,
    entities: ENTITIES,
    synchronize: false,
    installExtensions: false,
    applicationName,
    poolSize,
    extra: { ...pool, options },
  };
}

/** A data source for migrations: it runs as the database's owner. */
export function migrationDataSource(databaseUrl: string): DataSource {
  return new DataSource({
    type: 'postgres',
    url: databaseUrl,
    entities: ENTITIES,
    migrations: MIGRATIONS,
    migrationsTableName: 'schema_migrations',
    migrationsTransactionMode: 'each',
    synchronize: false,
    installExtensions: false,
    applicationName: 'webhooks-migrate',
  });
}
