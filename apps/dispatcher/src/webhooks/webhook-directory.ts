import { Inject, Injectable } from '@nestjs/common';
import type { Pool } from 'pg';
import { SERVICE_POOL, SECRET_BOX } from '#database/database.module';
import type { SecretBox } from '#database/secret-box';
import type { Logger } from '#observability/logger';
import { LOGGER } from '#observability/observability.module';
import {
  isHolding,
  toWebhookTarget,
  unreadableTarget,
  type WebhookTarget,
  type WebhookTargetRow,
} from '#database/webhook-target';
import { hasWebhook, READ_WEBHOOK_TARGETS, type WebhookTargetsRow } from '#database/webhook-targets.queries';
import { compileSubscriptions, type SubscriptionIndex } from '#webhook-rules/event-matching';

/** The webhooks of one tenant at one version. */
export interface TenantWebhooks {
  version: bigint;
  targets: ReadonlyMap<string, WebhookTarget>;
  /** Over those that take events: the active ones, and inactive ones that hold theirs. */
  subscriptions: SubscriptionIndex;
}

/** Webhooks remembered over all tenants; beyond it the tenants used least recently are forgotten. */
const MAX_WEBHOOKS = 100_000;
/** Much longer than the time between two refreshes and than any transaction that changes a webhook. */
const CHANGE_WINDOW_SECONDS = 10;

/**
 * The webhooks of tenants in memory. Whoever asks says which version the database showed along with the
 * event or delivery at hand: an older one in memory is reloaded, so that a webhook made now gets the very
 * next event on every dispatcher.
 */
@Injectable()
export class WebhookDirectory {
  private readonly tenants = new Map<string, TenantWebhooks>();
  private readonly loading = new Map<string, Promise<TenantWebhooks>>();
  private webhookCount = 0;
  private usedLast: string | null = null;

  constructor(
    @Inject(SERVICE_POOL) private readonly pool: Pool,
    @Inject(SECRET_BOX) private readonly box: SecretBox,
    @Inject(LOGGER) private readonly logger: Logger,
  ) {}

  /** The tenant's webhooks at this version or a newer one. */
  async ofTenant(tenantId: string, version: bigint): Promise<TenantWebhooks> {
    const known = this.tenants.get(tenantId);
    if (known !== undefined && known.version >= version) {
      // Moved to the end: the map's order is the order of use. Not for each event of the same batch.
      if (this.usedLast !== tenantId) {
        this.tenants.delete(tenantId);
        this.tenants.set(tenantId, known);
        this.usedLast = tenantId;
      }
      return known;
    }
    const underWay = await this.loading.get(tenantId);
    if (underWay !== undefined && underWay.version >= version) return underWay;
    const loading = this.load(tenantId).finally(() => this.loading.delete(tenantId));
    this.loading.set(tenantId, loading);
    return loading;
  }

  /** A webhook as it stands in memory, loaded when its tenant is not there; undefined when it was deleted. */
  async target(tenantId: string, webhookId: string): Promise<WebhookTarget | undefined> {
    const webhooks = this.tenants.get(tenantId) ?? (await this.ofTenant(tenantId, 0n));
    return webhooks.targets.get(webhookId);
  }

  /**
   * Reloads tenants in memory whose webhooks changed lately, so that deliveries already in a lane see a new
   * URL, secret or `active` too. Meant to be called every second.
   */
  async refresh(): Promise<void> {
    if (this.tenants.size === 0) return;
    const result = await this.pool.query<{ id: string; webhooks_version: string }>({
      name: 'changed-tenants',
      text: 'SELECT id, webhooks_version FROM tenants WHERE changed_at > now() - make_interval(secs => $1)',
      values: [CHANGE_WINDOW_SECONDS],
    });
    for (const row of result.rows) {
      if (this.tenants.has(row.id)) await this.ofTenant(row.id, BigInt(row.webhooks_version));
    }
  }

  /** Forgets everything, as after an outage of the database longer than the window of {@link refresh}. */
  clear(): void {
    this.tenants.clear();
    this.webhookCount = 0;
  }

  private async load(tenantId: string): Promise<TenantWebhooks> {
    // The version is read by the same statement as the webhooks: it can be too old for them, never too new.
    const result = await this.pool.query<WebhookTargetsRow>({
      name: 'load-webhooks',
      text: READ_WEBHOOK_TARGETS,
      values: [tenantId, null],
    });
    const rows = result.rows.filter(hasWebhook);
    const targets = new Map(rows.map((row) => [row.id, this.toTarget(row)]));
    const takers = [...targets.values()].filter((target) => target.active || isHolding(target));
    const loaded: TenantWebhooks = {
      version: BigInt(result.rows[0]?.webhooks_version ?? 0),
      targets,
      subscriptions: compileSubscriptions(
        takers.map((target) => ({ id: target.id, patterns: target.events, projectId: target.projectId })),
      ),
    };
    this.remember(tenantId, loaded);
    return loaded;
  }

  private toTarget(row: WebhookTargetRow): WebhookTarget {
    try {
      return toWebhookTarget(row, this.box);
    } catch (error) {
      this.logger.error(
        { webhook: row.id, error: String(error) },
        'a webhook cannot be delivered to: its secret cannot be unsealed',
      );
      return unreadableTarget(row);
    }
  }

  private remember(tenantId: string, loaded: TenantWebhooks): void {
    this.forget(tenantId);
    this.tenants.set(tenantId, loaded);
    this.usedLast = tenantId;
    this.webhookCount += loaded.targets.size;
    for (const oldest of this.tenants.keys()) {
      if (this.webhookCount <= MAX_WEBHOOKS || oldest === tenantId) break;
      this.forget(oldest);
    }
  }

  private forget(tenantId: string): void {
    const known = this.tenants.get(tenantId);
    if (known === undefined) return;
    this.tenants.delete(tenantId);
    this.webhookCount -= known.targets.size;
  }
}
