import { Inject, Injectable } from '@nestjs/common';
import type { EntityManager, QueryDeepPartialEntity } from 'typeorm';
import { SECRET_BOX } from '#database/database.module';
import { InboundActionEntity } from '#database/entities/inbound-action.entity';
import type { InboundEndpointEntity } from '#database/entities/inbound-endpoint.entity';
import { openJson, sealJson } from '#database/inbound-secrets';
import type { SecretBox } from '#database/secret-box';
import { TenantDatabase } from '#database/tenant-database';
import type { AddressGuard } from '#delivery-client/address-guard';
import { AppError, conflict, invalidRequest, notFound, type ErrorDetail } from '#kernel/app-error';
import { formatId, newUuid } from '#kernel/ids';
import { recordAct } from '../audit-trail/record-act';
import type { Caller } from '../caller/caller';
import { toStoredRetryPolicy } from '../webhooks/dto/retry-policy.dto';
import { ADDRESS_GUARD } from '../sending/sending.module';
import { sealHeaders, sealSecret } from '../webhooks/webhook-secrets';
import {
  readActionSettings,
  readCondition,
  type ActionSettings,
  type ActionType,
} from '#inbound-rules/read-action-settings';
import { checkUrl } from './check-url';
import type { AddActionDto, UpdateActionDto } from './dto/action.dto';
import { newSecret } from './endpoint-secrets';
import { aboutEndpoint } from './endpoints.service';
import { changeEndpoint, findEndpoint, listActions, lockEndpoint } from './endpoints.queries';
import { readForwards, removeForwards, saveForward } from './forwards.queries';
import { missingChannels } from './channels.queries';
import { EndpointCache } from './receive/endpoint-cache';
import type { ForwardState } from './dto/action.response';

const MAX_ACTIONS = 20;
const DEFAULT_TIMEOUT_SECONDS = 30;

/** Actions with how their hidden webhooks are doing. */
export interface ActionWithForward {
  action: InboundActionEntity;
  forward: ForwardState | undefined;
}

/** Changes what endpoints do. Every change makes a new version of the endpoint. */
@Injectable()
export class ActionsService {
  constructor(
    @Inject(TenantDatabase) private readonly database: TenantDatabase,
    @Inject(SECRET_BOX) private readonly box: SecretBox,
    @Inject(ADDRESS_GUARD) private readonly guard: AddressGuard,
    private readonly cache: EndpointCache,
  ) {}

  /** The actions of an endpoint, in their order. @throws AppError 404. */
  list(caller: Caller, nameOrId: string): Promise<ActionWithForward[]> {
    return this.database.run(caller.tenantId, async (manager) => {
      const endpoint = await findEndpoint(manager, caller, nameOrId);
      const actions = await listActions(manager, caller.tenantId, [endpoint.id]);
      return withForwards(manager, caller.tenantId, actions);
    });
  }

  /** The secret that deliveries of a forward are signed with; null for any other action. */
  secretOf(action: InboundActionEntity): string | null {
    return action.webhookId === null ? null : ((this.secretsOf(action)['secret'] as string | undefined) ?? null);
  }

  /** @throws AppError 404; 400 for settings that cannot be; 403 for another project's events; 409 at the limit. */
  async add(caller: Caller, nameOrId: string, wanted: AddActionDto): Promise<ActionWithForward> {
    const settings = await this.read(caller, wanted.type, wanted);
    return this.change(caller, nameOrId, async (manager, endpoint) => {
      const added = await this.insert(manager, caller.userId, endpoint, wanted, settings);
      await recordAct(manager, caller, {
        action: 'inbound.action_added',
        ...aboutEndpoint(endpoint),
        details: { name: endpoint.name, action_id: formatId('act', added.id), type: added.type },
      });
      return added;
    });
  }

  /** Changes what is given; settings are replaced as a whole. @throws AppError as {@link add}. */
  async update(caller: Caller, nameOrId: string, id: string, change: UpdateActionDto): Promise<ActionWithForward> {
    return this.change(caller, nameOrId, async (manager, endpoint) => {
      const before = await findAction(manager, endpoint, id);
      if ('command' in before.settings) {
        throw new AppError(403, 'operators_action', 'The action runs a command, which only the operator can change');
      }
      const secrets = this.secretsOf(before);
      const settings =
        change.settings === undefined
          ? { shown: before.settings, secrets }
          : await this.read(caller, before.type, change);
      // The secret stays unless another one is given.
      const { secret: given } = (change.settings ?? {}) as { secret?: unknown };
      if (given === undefined && secrets['secret'] !== undefined) settings.secrets['secret'] = secrets['secret'];
      readOrThrow((problems) => readCondition(change.condition, problems));
      const after: InboundActionEntity = {
        ...before,
        settings: settings.shown,
        sealedSecrets: this.seal(id, settings),
        ...(change.condition !== undefined && { condition: change.condition }),
        ...(change.retry_policy !== undefined && { retryPolicy: storedPolicy(change) }),
        ...(change.position !== undefined && { position: change.position }),
        updatedAt: new Date(),
      };
      after.webhookId = await this.forwardOf(manager, caller.userId, endpoint, after, settings);
      await manager.save(InboundActionEntity, after);
      if (before.webhookId !== null && after.webhookId === null) {
        await removeForwards(manager, caller.tenantId, { endpointId: endpoint.id, actionId: id });
      }
      await recordAct(manager, caller, {
        action: 'inbound.action_updated',
        ...aboutEndpoint(endpoint),
        details: { name: endpoint.name, action_id: formatId('act', id) },
      });
      return after;
    });
  }

  /** Removes an action; runs of it that wait are skipped. @throws AppError 404. */
  async remove(caller: Caller, nameOrId: string, id: string): Promise<void> {
    await this.change(caller, nameOrId, async (manager, endpoint) => {
      const before = await findAction(manager, endpoint, id);
      await removeForwards(manager, caller.tenantId, { endpointId: endpoint.id, actionId: id });
      await manager.delete(InboundActionEntity, { tenantId: caller.tenantId, id });
      await recordAct(manager, caller, {
        action: 'inbound.action_removed',
        ...aboutEndpoint(endpoint),
        details: { name: endpoint.name, action_id: formatId('act', id), type: before.type },
      });
      return before;
    });
  }

  /** Adds an action to a locked or new endpoint. @throws AppError 409 at the limit. */
  async insert(
    manager: EntityManager,
    userId: string | null,
    endpoint: InboundEndpointEntity,
    wanted: Omit<AddActionDto, 'settings'>,
    settings: ActionSettings,
  ): Promise<InboundActionEntity> {
    const others = await listActions(manager, endpoint.tenantId, [endpoint.id]);
    if (others.length >= MAX_ACTIONS) {
      throw conflict('action_limit_reached', `The endpoint has ${MAX_ACTIONS} actions, as many as it may have`);
    }
    const now = new Date();
    const id = newUuid(now.getTime());
    const action: InboundActionEntity = {
      id,
      tenantId: endpoint.tenantId,
      endpointId: endpoint.id,
      position: wanted.position ?? Math.min(100, (others.at(-1)?.position ?? -1) + 1),
      type: wanted.type,
      settings: settings.shown,
      sealedSecrets: this.seal(id, settings),
      condition: wanted.condition ?? null,
      retryPolicy: storedPolicy(wanted),
      webhookId: null,
      createdAt: now,
      updatedAt: now,
    };
    action.webhookId = await this.forwardOf(manager, userId, endpoint, action, settings);
    await manager.insert(InboundActionEntity, action as QueryDeepPartialEntity<InboundActionEntity>);
    return action;
  }

  private async read(caller: Caller, type: ActionType, wanted: UpdateActionDto): Promise<ActionSettings> {
    const settings = readOrThrow((problems) => {
      readCondition(wanted.condition, problems);
      return readActionSettings(type, wanted.settings, false, problems);
    });
    const { url, event, project_id: projectId, channels } = settings.shown;
    if (typeof url === 'string') await checkUrl(this.database, this.guard, caller.tenantId, url, 'settings.url');
    if (type === 'forward' && typeof url === 'string') settings.secrets = { secret: newSecret(), ...settings.secrets };
    if (event !== undefined && caller.projectId !== null) {
      if (projectId !== undefined && projectId !== caller.projectId) {
        throw new AppError(
          403,
          'project_forbidden',
          `settings.project_id: this token is bound to project ${caller.projectId}`,
        );
      }
      settings.shown = { ...settings.shown, project_id: caller.projectId };
    }
    if (Array.isArray(channels)) await this.checkChannels(caller, channels as string[]);
    return settings;
  }

  private async checkChannels(caller: Caller, names: string[]): Promise<void> {
    const missing = await this.database.run(caller.tenantId, (manager) =>
      missingChannels(manager, caller.tenantId, names),
    );
    if (missing.length === 0) return;
    const message = `${missing.join(', ')}: no such channel; POST /api/inbound/channels makes one`;
    throw invalidRequest([{ field: 'settings.channels', message }]);
  }

  /** The hidden webhook of an action that forwards to a URL, as it should be; null for any other. */
  private async forwardOf(
    manager: EntityManager,
    userId: string | null,
    endpoint: InboundEndpointEntity,
    action: InboundActionEntity,
    { shown, secrets }: ActionSettings,
  ): Promise<string | null> {
    if (action.type !== 'forward' || typeof shown['url'] !== 'string' || userId === null) return null;
    const id = action.webhookId ?? newUuid(Date.now());
    const { secret, headers } = secrets as { secret?: string; headers?: Record<string, string> };
    await saveForward(manager, {
      id,
      tenantId: endpoint.tenantId,
      projectId: endpoint.projectId,
      name: `inbound ${endpoint.name}`,
      url: shown['url'],
      sealedSecret: sealSecret(this.box, id, secret ?? ''),
      ...sealHeaders(this.box, id, headers ?? {}),
      timeoutMs: Number(shown['timeout'] ?? DEFAULT_TIMEOUT_SECONDS) * 1_000,
      retryPolicy: action.retryPolicy ?? toStoredRetryPolicy(),
      createdBy: userId,
    });
    return id;
  }

  private secretsOf({ id, sealedSecrets }: InboundActionEntity): Record<string, unknown> {
    return sealedSecrets === null ? {} : openJson(this.box, 'inbound_action:secrets', id, sealedSecrets);
  }

  private seal(id: string, { secrets }: ActionSettings): Buffer | null {
    return Object.keys(secrets).length === 0 ? null : sealJson(this.box, 'inbound_action:secrets', id, secrets);
  }

  private async change(
    caller: Caller,
    nameOrId: string,
    work: (manager: EntityManager, endpoint: InboundEndpointEntity) => Promise<InboundActionEntity>,
  ): Promise<ActionWithForward> {
    const { endpointId, changed } = await this.database.run(caller.tenantId, async (manager) => {
      const endpoint = await lockEndpoint(manager, caller, nameOrId);
      const action = await work(manager, endpoint);
      await changeEndpoint(manager, caller.tenantId, endpoint.id);
      const [withForward] = await withForwards(manager, caller.tenantId, [action]);
      return { endpointId: endpoint.id, changed: withForward ?? { action, forward: undefined } };
    });
    this.cache.forget(endpointId);
    return changed;
  }
}

/** Actions with how their hidden webhooks are doing. */
export async function withForwards(
  manager: EntityManager,
  tenantId: string,
  actions: InboundActionEntity[],
): Promise<ActionWithForward[]> {
  const ids = actions.flatMap(({ webhookId }) => webhookId ?? []);
  const forwards = await readForwards(manager, tenantId, ids);
  return actions.map((action) => ({ action, forward: forwards.get(action.webhookId ?? '') }));
}

async function findAction(
  manager: EntityManager,
  { tenantId, id: endpointId }: InboundEndpointEntity,
  id: string,
): Promise<InboundActionEntity> {
  const action = await manager.findOneBy(InboundActionEntity, { tenantId, endpointId, id });
  if (action === null) throw notFound('Action');
  return action;
}

function readOrThrow<T>(read: (problems: ErrorDetail[]) => T): T {
  const problems: ErrorDetail[] = [];
  const result = read(problems);
  if (problems.length > 0) throw invalidRequest(problems);
  return result;
}

function storedPolicy({ retry_policy: policy }: UpdateActionDto): InboundActionEntity['retryPolicy'] {
  return policy === undefined || policy === null ? null : toStoredRetryPolicy(policy);
}
