import { DataSource, type DataSourceOptions } from 'typeorm';
import { InitialSchema1795305600000 } from '../../../migrations/1795305600000-initial-schema';
import { RequestsWriteHistory1795392000000 } from '../../../migrations/1795392000000-requests-write-history';
import { PublishingOrder1795395600000 } from '../../../migrations/1795395600000-publishing-order';
import { EventTypes1795482000000 } from '../../../migrations/1795482000000-event-types';
import { WebhookHealth1795485600000 } from '../../../migrations/1795485600000-webhook-health';
import { WebhookLeases1795489200000 } from '../../../migrations/1795489200000-webhook-leases';
import { RedeliveryJobs1795492800000 } from '../../../migrations/1795492800000-redelivery-jobs';
import { SigningAndAllowLists1795496400000 } from '../../../migrations/1795496400000-signing-and-allow-lists';
import { Audit1795507200000 } from '../../../migrations/1795507200000-audit';
import { Inbound1795510800000 } from '../../../migrations/1795510800000-inbound';
import { DispatcherProcesses1795514400000 } from '../../../migrations/1795514400000-dispatcher-processes';
import { WaitingByTime1795518000000 } from '../../../migrations/1795518000000-waiting-by-time';
import { SlackLinks1795521600000 } from '../../../migrations/1795521600000-slack-links';
import { Ordering1795525200000 } from '../../../migrations/1795525200000-ordering';
import { PublishWindowsWall1795526000000 } from '../../../migrations/1795526000000-publish-windows-wall';
import { Draining1795532400000 } from '../../../migrations/1795532400000-draining';
import { Retention1795536000000 } from '../../../migrations/1795536000000-retention';
import { FanOutBytes1795537500000 } from '../../../migrations/1795537500000-fan-out-bytes';
import { OpenBatches1795600000000 } from '../../../migrations/1795600000000-open-batches';
import { DailyStats1795539600000 } from '../../../migrations/1795539600000-daily-stats';
import { InboundActionEntity } from './entities/inbound-action.entity';
import { InboundChannelEntity } from './entities/inbound-channel.entity';
import { InboundEndpointEntity } from './entities/inbound-endpoint.entity';
import { TenantEntity } from './entities/tenant.entity';
import { TokenEntity } from './entities/token.entity';
import { UserEntity } from './entities/user.entity';
import { WebhookEntity } from './entities/webhook.entity';
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
const MIGRATIONS = [
  InitialSchema1795305600000,
  RequestsWriteHistory1795392000000,
  PublishingOrder1795395600000,
  EventTypes1795482000000,
  WebhookHealth1795485600000,
  WebhookLeases1795489200000,
  RedeliveryJobs1795492800000,
  SigningAndAllowLists1795496400000,
  Audit1795507200000,
  Inbound1795510800000,
  DispatcherProcesses1795514400000,
  WaitingByTime1795518000000,
  SlackLinks1795521600000,
  Ordering1795525200000,
  PublishWindowsWall1795526000000,
  Draining1795532400000,
  Retention1795536000000,
  FanOutBytes1795537500000,
  DailyStats1795539600000,
  OpenBatches1795600000000,
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

/** The name of the newest migration, which the apps wait for at start. */
export function newestMigration(): string {
  return MIGRATIONS.at(-1)?.name ?? '';
}
