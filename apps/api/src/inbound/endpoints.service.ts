import { Inject, Injectable } from '@nestjs/common';
import type { EntityManager, QueryDeepPartialEntity } from 'typeorm';
import { ENVIRONMENT } from '#config/config.module';
import type { Environment } from '#config/environment';
import { recordAudit, type AuditActor } from '#database/audit-log.queries';
import { SECRET_BOX } from '#database/database.module';
import { InboundEndpointEntity } from '#database/entities/inbound-endpoint.entity';
import type { StoredSecret } from '#database/inbound-secrets';
import type { SecretBox } from '#database/secret-box';
import { TenantDatabase } from '#database/tenant-database';
import { AppError, conflict } from '#kernel/app-error';
import { formatId, newUuid } from '#kernel/ids';
import { actorOf, givenFields, recordAct, type Act } from '../audit-trail/record-act';
import type { Caller } from '../caller/caller';
import type { CreateEndpointDto, RegenerateDto, UpdateEndpointDto } from './dto/endpoint.dto';
import { newSecret, newUrlKey, openSecrets, rotated, sealSecrets } from './endpoint-secrets';
import { toColumns, toDefinition, type EndpointDefinition } from './endpoint-settings';
import { changeEndpoint, countEndpoints, findEndpoint, lockEndpoint } from './endpoints.queries';
import { removeForwards } from './forwards.queries';
import { EndpointCache } from './receive/endpoint-cache';

/** The operator may allow more with `max_inbound_endpoints`. */
const MAX_ENDPOINTS = 1_000;
const UNIQUE_VIOLATION = '23505';

/** For whom an endpoint is made; the operator has no user. */
export interface Author {
  tenantId: string;
  projectId: string | null;
  userId: string | null;
}

/** What an import sets beside what a request can. */
export interface ImportedEndpoint extends CreateEndpointDto {
  hook_id?: string | null;
}

/** Changes endpoints. Every change is told to all instances, and counts for every request that is accepted after it. */
@Injectable()
export class EndpointsService {
  constructor(
    @Inject(TenantDatabase) private readonly database: TenantDatabase,
    @Inject(SECRET_BOX) private readonly box: SecretBox,
    @Inject(ENVIRONMENT) private readonly environment: Environment,
    private readonly cache: EndpointCache,
  ) {}

  /** @throws AppError 400 for what cannot be, 403 for another project, 409 for a name that is taken or at the limit. */
  async create(caller: Caller, wanted: CreateEndpointDto): Promise<InboundEndpointEntity> {
    const endpoint = this.toEntity(caller, wanted);
    await this.database.run(caller.tenantId, (manager) => this.insert(manager, actorOf(caller), endpoint));
    return endpoint;
  }

  /** An endpoint that is not stored yet. @throws AppError 400, 403. */
  toEntity(caller: Author, wanted: ImportedEndpoint): InboundEndpointEntity {
    const projectId = wanted.project_id ?? caller.projectId;
    if (caller.projectId !== null && projectId !== caller.projectId) {
      throw new AppError(403, 'project_forbidden', `project_id: this token is bound to project ${caller.projectId}`);
    }
    const now = new Date();
    const id = newUuid(now.getTime());
    return {
      id,
      tenantId: caller.tenantId,
      projectId,
      name: wanted.name,
      description: wanted.description ?? null,
      enabled: wanted.enabled ?? true,
      urlKey: newUrlKey(),
      previousUrlKey: null,
      previousUrlKeyUntil: null,
      hookId: wanted.hook_id ?? null,
      ...toColumns(wanted, id, this.box, this.environment.inboundMaxBodyBytes),
      sealedSecrets: sealSecrets(this.box, id, [{ secret: wanted.secret ?? newSecret(), valid_until: null }]),
      debug: wanted.debug ?? false,
      maxLogEntries: wanted.max_log_entries ?? 1_000,
      version: '1',
      createdBy: caller.userId,
      createdAt: now,
      updatedAt: now,
      changedAt: now,
      deletedAt: null,
    };
  }

  /** @throws AppError 409 for a name or hook id that is taken, or at the tenant's limit. */
  async insert(manager: EntityManager, actor: AuditActor, endpoint: InboundEndpointEntity): Promise<void> {
    if ((await countEndpoints(manager, endpoint.tenantId)) >= MAX_ENDPOINTS) {
      throw conflict(
        'inbound_limit_reached',
        `There are ${MAX_ENDPOINTS} inbound endpoints, as many as a tenant may have`,
      );
    }
    try {
      // By the database's clock, since instances look for recent changes.
      const columns = endpoint as QueryDeepPartialEntity<InboundEndpointEntity>;
      await manager.insert(InboundEndpointEntity, { ...columns, changedAt: () => 'clock_timestamp()' });
    } catch (error) {
      throw takenOr(error, endpoint);
    }
    const { tenantId } = endpoint;
    await recordAudit(manager, [{ tenantId, actor, action: 'inbound.created', ...aboutEndpoint(endpoint) }]);
  }

  /** Changes the settings that are given. @throws AppError 404, 400. */
  async update(caller: Caller, nameOrId: string, change: UpdateEndpointDto): Promise<InboundEndpointEntity> {
    const { description, enabled, debug, max_log_entries: maxLogEntries, secret, ...given } = change;
    return this.change(caller, nameOrId, async (manager, before) => {
      const definition = merged(toDefinition(before, this.box), given);
      await changeEndpoint(manager, caller.tenantId, before.id, {
        ...toColumns(definition, before.id, this.box, this.environment.inboundMaxBodyBytes),
        ...(description !== undefined && { description }),
        ...(enabled !== undefined && { enabled }),
        ...(debug !== undefined && { debug }),
        ...(maxLogEntries !== undefined && { maxLogEntries }),
        ...(secret !== undefined && {
          sealedSecrets: sealSecrets(this.box, before.id, [{ secret, valid_until: null }]),
        }),
      });
      const fields = givenFields({ ...change, secret: undefined });
      const about = aboutEndpoint(before);
      return [
        ...(fields.length === 0 ? [] : [{ action: 'inbound.updated', ...about, details: { fields } } as const]),
        ...(secret === undefined ? [] : [{ action: 'inbound.secret_changed', ...about } as const]),
      ];
    });
  }

  /** A new URL, a new secret or both; the old ones go on working for the overlap. @throws AppError 404. */
  async regenerate(caller: Caller, nameOrId: string, wanted: RegenerateDto): Promise<InboundEndpointEntity> {
    const isSecretWanted = wanted.secret ?? (wanted.new_secret !== undefined || wanted.url !== true);
    const isUrlWanted = wanted.url ?? (wanted.secret !== true && wanted.new_secret === undefined);
    const overlapSeconds = wanted.overlap_seconds ?? 0;
    return this.change(caller, nameOrId, async (manager, before) => {
      const nowMs = Date.now();
      const overlaps = overlapSeconds > 0;
      const secrets = rotated(openSecrets(this.box, before), wanted.new_secret ?? newSecret(), nowMs, overlapSeconds);
      await changeEndpoint(manager, caller.tenantId, before.id, {
        ...(isSecretWanted && { sealedSecrets: sealSecrets(this.box, before.id, secrets) }),
        ...(isUrlWanted && {
          urlKey: newUrlKey(),
          previousUrlKey: overlaps ? before.urlKey : null,
          previousUrlKeyUntil: overlaps ? new Date(nowMs + overlapSeconds * 1_000) : null,
        }),
      });
      const about = aboutEndpoint(before);
      return [
        ...(isUrlWanted ? [{ action: 'inbound.url_changed', ...about } as const] : []),
        ...(isSecretWanted ? [{ action: 'inbound.secret_changed', ...about } as const] : []),
      ];
    });
  }

  /** Marks an endpoint deleted; its name is free again. @throws AppError 404. */
  async delete(caller: Caller, nameOrId: string): Promise<{ endpoint: InboundEndpointEntity; deletedAt: Date }> {
    const deletedAt = new Date();
    const endpoint = await this.database.run(caller.tenantId, async (manager) => {
      const before = await lockEndpoint(manager, caller, nameOrId);
      await removeForwards(manager, caller.tenantId, { endpointId: before.id });
      await changeEndpoint(manager, caller.tenantId, before.id, { deletedAt, enabled: false });
      await recordAct(manager, caller, { action: 'inbound.deleted', ...aboutEndpoint(before) });
      return before;
    });
    this.cache.forget(endpoint.id);
    return { endpoint, deletedAt };
  }

  /** Newest first. @throws Error when they were sealed with a key that is not configured. */
  secrets(endpoint: InboundEndpointEntity): StoredSecret[] {
    return openSecrets(this.box, endpoint);
  }

  /** @throws Error as {@link secrets}. */
  definition(endpoint: InboundEndpointEntity): Required<EndpointDefinition> {
    return toDefinition(endpoint, this.box);
  }

  private async change(
    caller: Caller,
    nameOrId: string,
    work: (manager: EntityManager, before: InboundEndpointEntity) => Promise<Act[]>,
  ): Promise<InboundEndpointEntity> {
    const after = await this.database.run(caller.tenantId, async (manager) => {
      const before = await lockEndpoint(manager, caller, nameOrId);
      await recordAct(manager, caller, ...(await work(manager, before)));
      return findEndpoint(manager, caller, nameOrId);
    });
    this.cache.forget(after.id);
    return after;
  }
}

/** The part of every act upon an endpoint that says which one. */
export function aboutEndpoint({
  id,
  name,
  projectId,
}: Pick<InboundEndpointEntity, 'id' | 'name' | 'projectId'>): Pick<Act, 'resource' | 'projectId' | 'details'> {
  return { resource: { type: 'inbound', id: formatId('inb', id) }, projectId, details: { name } };
}

/** What is given replaces what was; a scheme that is changed brings its own way of knowing deliveries again. */
function merged(before: Required<EndpointDefinition>, given: EndpointDefinition): EndpointDefinition {
  const entries = Object.entries(given).filter(([, value]) => value !== undefined);
  return { ...before, ...Object.fromEntries(entries) };
}

function takenOr(error: unknown, { name, hookId }: InboundEndpointEntity): unknown {
  const { code, constraint } = (error as { driverError?: { code?: string; constraint?: string } }).driverError ?? {};
  if (code !== UNIQUE_VIOLATION) return error;
  return constraint === 'inbound_endpoints_hook_id_idx'
    ? conflict('hook_id_taken', `hook_id: ${String(hookId)} is taken`)
    : conflict('name_taken', `name: there is an inbound endpoint called ${name} already`);
}
