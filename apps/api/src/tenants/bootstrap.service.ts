import { setTimeout as delay } from 'node:timers/promises';
import { Inject, Injectable, type BeforeApplicationShutdown, type OnApplicationBootstrap } from '@nestjs/common';
import { Pool } from 'pg';
import { ENVIRONMENT } from '#config/config.module';
import type { Environment } from '#config/environment';
import { SERVICE_POOL } from '#database/database.module';
import { DatabaseConnection } from '#database/database-connection';
import { recordAudit } from '#database/audit-log.queries';
import { inTransaction } from '#database/in-transaction';
import { withPartitions } from '#database/with-partitions';
import { formatId, newUuid } from '#kernel/ids';
import { HealthChecks } from '#observability/health-checks';
import type { Logger } from '#observability/logger';
import { LOGGER } from '#observability/observability.module';
import { hashToken } from '../authentication/token-text';
import { aboutTenant } from './tenant-acts';
import { ensureTenant, type NewTenant } from './tenants.queries';

/** Fixed, so that every instance and every start means the same tenant, also after BOOTSTRAP_TOKEN was changed. */
const FIRST_TENANT_ID = '00000000-0000-7000-8000-000000000001';
const FIRST_USER_ID = '00000000-0000-7000-8000-000000000002';
const RETRY_MS = 500;

/** Makes the first tenant, its user and BOOTSTRAP_TOKEN once the database is ready; the API is not ready before. */
@Injectable()
export class BootstrapService implements OnApplicationBootstrap, BeforeApplicationShutdown {
  private readonly stopping = new AbortController();
  private isDone = false;

  constructor(
    @Inject(ENVIRONMENT) private readonly environment: Environment,
    @Inject(DatabaseConnection) private readonly database: DatabaseConnection,
    @Inject(SERVICE_POOL) private readonly pool: Pool,
    @Inject(HealthChecks) private readonly health: HealthChecks,
    @Inject(LOGGER) private readonly logger: Logger,
  ) {}

  onApplicationBootstrap(): void {
    const { bootstrapToken } = this.environment;
    if (bootstrapToken === null) return;
    this.health.register('bootstrap', { required: true }, () =>
      Promise.resolve(this.isDone ? null : 'the first tenant is not made yet'),
    );
    void this.database.untilReady().then(() => this.ensure(hashToken(bootstrapToken)));
  }

  beforeApplicationShutdown(): void {
    this.stopping.abort();
  }

  private async make(tenant: NewTenant): Promise<void> {
    await withPartitions(this.pool, () =>
      inTransaction(this.pool, async (client) => {
        const { madeTenant, madeToken } = await ensureTenant(client, tenant);
        const about = {
          tenantId: tenant.id,
          actor: { kind: 'system' },
          details: { reason: 'BOOTSTRAP_TOKEN' },
        } as const;
        const tenantActs = { ...about, action: 'tenant.created', resource: aboutTenant(tenant.id) } as const;
        const token = { type: 'token', id: formatId('tok', tenant.token.id) } as const;
        await recordAudit(client, [
          ...(madeTenant ? [tenantActs] : []),
          ...(madeToken ? [{ ...about, action: 'token.created', resource: token } as const] : []),
        ]);
      }),
    );
  }

  private async ensure(hash: Buffer): Promise<void> {
    while (!this.stopping.signal.aborted) {
      try {
        await this.make({
          id: FIRST_TENANT_ID,
          name: 'Default',
          limits: {},
          user: { id: FIRST_USER_ID, name: 'Owner', email: null },
          token: { id: newUuid(Date.now()), name: 'BOOTSTRAP_TOKEN', hash },
        });
        this.isDone = true;
        return;
      } catch (error) {
        this.logger.warn({ error: String(error) }, 'the first tenant could not be made; trying again');
        await delay(RETRY_MS, undefined, { signal: this.stopping.signal }).catch(() => undefined);
      }
    }
  }
}
