import { Module, type DynamicModule } from '@nestjs/common';
import { ConfigModule } from '#config/config.module';
import type { Environment } from '#config/environment';
import { DatabaseModule } from '#database/database.module';
import { TenantDatabaseModule } from '#database/tenant-database.module';
import type { Logger } from '#observability/logger';
import { ObservabilityModule } from '#observability/observability.module';
import { AuthenticationModule } from './authentication/authentication.module';
import { AuditModule } from './audit/audit.module';
import { ChatModule } from './chat/chat.module';
import { DeliveriesModule } from './deliveries/deliveries.module';
import { ApiHealthModule } from './health/api-health.module';
import { EventsModule } from './events/events.module';
import { HttpModule } from './http/http.module';
import { InboundModule } from './inbound/inbound.module';
import { RedeliveriesModule } from './redeliveries/redeliveries.module';
import { SigningKeysModule } from './signing-keys/signing-keys.module';
import { StatsModule } from './stats/stats.module';
import { StorageModule } from './storage/storage.module';
import { TenantsModule } from './tenants/tenants.module';
import { TokensModule } from './tokens/tokens.module';
import { UsersModule } from './users/users.module';
import { WebhooksModule } from './webhooks/webhooks.module';

/** The API app: what it is made of, and nothing else. */
@Module({})
export class AppModule {
  static with(environment: Environment, logger: Logger): DynamicModule {
    return {
      module: AppModule,
      imports: [
        ConfigModule.with(environment),
        ObservabilityModule.with(logger),
        DatabaseModule.for('webhooks-api'),
        TenantDatabaseModule.for('webhooks-api'),
        HttpModule,
        AuthenticationModule,
        TokensModule,
        ApiHealthModule,
        AuditModule,
        ChatModule,
        DeliveriesModule,
        EventsModule,
        InboundModule,
        RedeliveriesModule,
        SigningKeysModule,
        StatsModule,
        StorageModule,
        TenantsModule,
        UsersModule,
        WebhooksModule,
      ],
    };
  }
}
