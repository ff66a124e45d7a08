import { Inject, Module } from '@nestjs/common';
import { DatabaseConnection } from '#database/database-connection';
import { HealthChecks } from '#observability/health-checks';
import { HealthModule } from '#observability/health.module';

/** Without its database the API can do nothing; everything else that may be away only degrades it. */
@Module({ imports: [HealthModule] })
export class ApiHealthModule {
  constructor(@Inject(HealthChecks) health: HealthChecks, @Inject(DatabaseConnection) database: DatabaseConnection) {
    health.register('database', { required: true }, () => database.problem());
  }
}
