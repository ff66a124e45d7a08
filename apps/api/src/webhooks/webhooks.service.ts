import { randomBytes } from 'node:crypto';
import { Inject, Injectable } from '@nestjs/common';
import type { EntityManager } from 'typeorm';
import { SECRET_BOX } from '#database/database.module';
import { WebhookEntity } from '#database/entities/webhook.entity';
import type { SecretBox } from '#database/secret-box';
import { TenantDatabase } from '#database/tenant-database';
import type { AddressGuard } from '#delivery-client/address-guard';
import { AppError, conflict, invalidRequest, type ErrorDetail } from '#kernel/app-error';
import { newUuid } from '#kernel/ids';
import { isValidEventType } from '#webhook-rules/event-matching';
import { generateSecret, SECRET_BYTES, type SignatureType } from '#webhook-rules/signature';
import { EventTypeCatalog } from '../event-types/event-type-catalog';
import { recordAct } from '../audit-trail/record-act';
import type { Caller } from '../caller/caller';
import { aboutWebhook, actsOf } from './webhook-acts';
import { cancelWaiting } from './cancel-waiting.queries';
import { toStoredRetryPolicy } from './dto/retry-policy.dto';
import type { CreateWebhookDto, UpdateWebhookDto } from './dto/webhook.dto';
import type { OpenedSecrets } from './dto/webhook.response';
import { ensureSigningKey } from '../signing-keys/new-signing-key';
import { deleteRetiringSecrets } from './retiring-secrets.queries';
import { bumpWebhooksVersion, readAllowedCidrs } from '../sending/sending.queries';
import { ADDRESS_GUARD } from '../sending/sending.module';
import { openSecrets, sealHeaders, sealSecret } from './webhook-secrets';
import { checkWebhookUrl } from '../sending/webhook-url';
import { countWebhooks, findWebhook, lockWebhook } from './webhooks.queries';

const DEFAULT_TIMEOUT_SECONDS = 30;
/** Dispatchers keep a tenant's webhooks in memory; the operator may allow more with `max_webhooks`. */
const DEFAULT_MAX_WEBHOOKS = 1_000;

/** Changes webhooks; every change reaches all dispatchers before the next event. */
@Injectable()
export class WebhooksService {
  constructor(
    @Inject(TenantDatabase) private readonly database: TenantDatabase,
    @Inject(SECRET_BOX) private readonly box: SecretBox,
    @Inject(ADDRESS_GUARD) private readonly guard: AddressGuard,
    @Inject(EventTypeCatalog) private readonly eventTypes: EventTypeCatalog,
  ) {}

  /** @throws AppError 400 for a URL or event type that cannot be, 403 for another project, 409 at the limit. */
  async create(caller: Caller, wanted: CreateWebhookDto): Promise<{ webhook: WebhookEntity; opened: OpenedSecrets }> {
    const projectId = wanted.project_id ?? caller.projectId;
    if (caller.projectId !== null && projectId !== caller.projectId) {
      throw new AppError(403, 'project_forbidden', `project_id: this token is bound to project ${caller.projectId}`);
    }
    await this.checkEventTypes(caller, wanted.events, wanted.event_versions);
    await this.checkUrl(caller.tenantId, wanted.url);
    const now = new Date();
    const id = newUuid(now.getTime());
    const opened = {
      secret: wanted.secret ?? generateSecret(randomBytes(SECRET_BYTES)),
      headers: wanted.headers ?? {},
    };
    const webhook: WebhookEntity = {
      id,
      tenantId: caller.tenantId,
      projectId,
      kind: 'subscription',
      name: wanted.name,
      description: wanted.description ?? null,
      url: wanted.url,
      events: wanted.events,
      eventVersions: wanted.event_versions ?? {},
      sealedSecret: sealSecret(this.box, id, opened.secret),
      ...sealHeaders(this.box, id, opened.headers),
      signatureTypes: wanted.signature_types ?? ['v1'],
      active: wanted.active ?? true,
      timeoutMs: toMs(wanted.timeout ?? DEFAULT_TIMEOUT_SECONDS),
      retryPolicy: toStoredRetryPolicy(wanted.retry_policy),
      onInactive: wanted.on_inactive ?? 'drop',
      ordered: wanted.ordered ?? false,
      onExhausted: wanted.on_exhausted ?? 'skip',
      rateLimit: wanted.rate_limit ?? null,
      maxInFlight: wanted.max_in_flight ?? null,
      drainingSince: null,
      disabledReason: null,
      version: '1',
      createdBy: caller.userId,
      createdAt: now,
      updatedAt: now,
      deletedAt: null,
    };
    await this.database.run(caller.tenantId, async (manager) => {
      // First, since it locks the tenant: two requests cannot both take the last place.
      await bumpWebhooksVersion(manager, caller.tenantId);
      await refuseBeyondLimit(manager, caller);
      await this.ensureKeys(manager, webhook.tenantId, webhook.signatureTypes);
      await manager.insert(WebhookEntity, webhook);
      await recordAct(manager, caller, { action: 'webhook.created', ...aboutWebhook(webhook) });
    });
    return { webhook, opened };
  }

  /**
   * Changes the fields that are given. Making a webhook inactive cancels what waits.
   * @throws AppError 404; 400 for a URL or event type that cannot be.
   */
  async update(caller: Caller, id: string, change: UpdateWebhookDto): Promise<WebhookEntity> {
    const { tenantId } = caller;
    await this.checkEventTypes(caller, change.events, change.event_versions);
    if (change.url !== undefined) await this.checkUrl(tenantId, change.url);
    const columns = this.toColumns(id, change);
    return this.database.run(tenantId, async (manager) => {
      if (Object.keys(columns).length === 0) return findWebhook(manager, caller, id);
      const before = await lockWebhook(manager, caller, id);
      const drains = !before.active && change.active === true && before.onInactive === 'hold';
      await manager.update(
        WebhookEntity,
        { tenantId, id },
        {
          ...columns,
          ...(drains && { drainingSince: () => 'now()' }),
          version: () => 'version + 1',
          updatedAt: new Date(),
        },
      );
      // A secret that is set, unlike one that is rotated, is the only one at once.
      if (change.secret !== undefined) await deleteRetiringSecrets(manager, tenantId, id);
      await this.ensureKeys(manager, tenantId, change.signature_types ?? []);
      const holds = (change.on_inactive ?? before.onInactive) === 'hold';
      if (before.active && change.active === false && !holds) {
        await cancelWaiting(manager, tenantId, id, 'The webhook was made inactive');
      }
      await bumpWebhooksVersion(manager, tenantId);
      await recordAct(manager, caller, ...actsOf(before, change));
      return findWebhook(manager, caller, id);
    });
  }

  /** Marks a webhook deleted and cancels what waits; its history stays. @throws AppError 404. */
  async delete(caller: Caller, id: string): Promise<Date> {
    const { tenantId } = caller;
    const deletedAt = new Date();
    await this.database.run(tenantId, async (manager) => {
      const webhook = await lockWebhook(manager, caller, id);
      await manager.update(WebhookEntity, { tenantId, id }, { deletedAt, active: false, version: () => 'version + 1' });
      await cancelWaiting(manager, tenantId, id, 'The webhook was deleted');
      await bumpWebhooksVersion(manager, tenantId);
      await recordAct(manager, caller, { action: 'webhook.deleted', ...aboutWebhook(webhook) });
    });
    return deletedAt;
  }

  /** @throws Error when they were sealed with a key that is not configured. */
  open(webhook: WebhookEntity): OpenedSecrets {
    return openSecrets(this.box, webhook);
  }

  private toColumns(id: string, change: UpdateWebhookDto): Partial<WebhookEntity> {
    return {
      ...(change.url !== undefined && { url: change.url }),
      ...(change.events !== undefined && { events: change.events }),
      ...(change.event_versions !== undefined && { eventVersions: change.event_versions }),
      ...(change.name !== undefined && { name: change.name }),
      ...(change.description !== undefined && { description: change.description }),
      ...(change.secret !== undefined && { sealedSecret: sealSecret(this.box, id, change.secret) }),
      ...(change.signature_types !== undefined && { signatureTypes: change.signature_types }),
      ...(change.active !== undefined && { active: change.active, disabledReason: null }),
      ...(change.headers !== undefined && sealHeaders(this.box, id, change.headers)),
      ...(change.timeout !== undefined && { timeoutMs: toMs(change.timeout) }),
      ...(change.retry_policy !== undefined && { retryPolicy: toStoredRetryPolicy(change.retry_policy) }),
      ...(change.rate_limit !== undefined && { rateLimit: change.rate_limit }),
      ...(change.max_in_flight !== undefined && { maxInFlight: change.max_in_flight }),
      ...(change.on_inactive !== undefined && { onInactive: change.on_inactive }),
      ...(change.ordered !== undefined && { ordered: change.ordered }),
      ...(change.on_exhausted !== undefined && { onExhausted: change.on_exhausted }),
    };
  }

  /** @throws AppError 400 for a URL that no delivery of this tenant may go to. */
  private async checkUrl(tenantId: string, url: string): Promise<void> {
    const allowed = await this.database.run(tenantId, (manager) => readAllowedCidrs(manager, tenantId));
    await checkWebhookUrl(this.guard.allowing(allowed), url);
  }

  private async ensureKeys(manager: EntityManager, tenantId: string, types: SignatureType[]): Promise<void> {
    if (types.includes('v1a')) await ensureSigningKey(manager, tenantId, this.box);
  }

  /** A pattern also stands for types that are registered later, so it need not match one that is known. */
  private async checkEventTypes(
    caller: Caller,
    events: string[] = [],
    eventVersions: Record<string, string> = {},
  ): Promise<void> {
    const types = await this.eventTypes.of(caller);
    const problems: ErrorDetail[] = [];
    const unknown = events.filter((event) => isValidEventType(event) && !types.isKnown(event));
    if (unknown.length > 0) {
      const message = `${unknown.join(', ')}: not a known event type; GET /api/event-types lists them`;
      problems.push({ field: 'events', message });
    }
    for (const [type, version] of Object.entries(eventVersions)) {
      if (types.versionOf(type, version) !== null) continue;
      problems.push({
        field: 'event_versions',
        message: `${type} has no such version; GET /api/event-types/${type} lists them`,
      });
    }
    if (problems.length > 0) throw invalidRequest(problems);
  }
}

async function refuseBeyondLimit(manager: EntityManager, { tenantId, limits }: Caller): Promise<void> {
  const maxWebhooks = limits.max_webhooks ?? DEFAULT_MAX_WEBHOOKS;
  if ((await countWebhooks(manager, tenantId)) < maxWebhooks) return;
  throw conflict('webhook_limit_reached', `There are ${maxWebhooks} webhooks, as many as the tenant may have`);
}

function toMs(seconds: number): number {
  return Math.round(seconds * 1_000);
}
