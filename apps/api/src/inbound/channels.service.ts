import { Inject, Injectable } from '@nestjs/common';
import type { EntityManager, QueryDeepPartialEntity } from 'typeorm';
import { SECRET_BOX } from '#database/database.module';
import { InboundChannelEntity } from '#database/entities/inbound-channel.entity';
import { sealJson } from '#database/inbound-secrets';
import type { SecretBox } from '#database/secret-box';
import { TenantDatabase } from '#database/tenant-database';
import type { AddressGuard } from '#delivery-client/address-guard';
import { isJsonObject } from '#event-schemas/json-schema';
import { SECRET_MEMBERS, type ChannelKind } from '#inbound-rules/notify/channel-settings';
import { readChannelSettings } from '#inbound-rules/notify/read-channel-settings';
import { AppError, conflict, invalidRequest, type ErrorDetail } from '#kernel/app-error';
import { newUuid } from '#kernel/ids';
import { recordAct, type Act } from '../audit-trail/record-act';
import type { Caller } from '../caller/caller';
import { ADDRESS_GUARD } from '../sending/sending.module';
import { checkUrl } from './check-url';
import { clearDefault, countChannels, findChannel, listChannels } from './channels.queries';
import type { CreateChannelDto, UpdateChannelDto } from './dto/channel.dto';

const MAX_CHANNELS = 100;

/** Where a tenant's notifications go. They belong to the tenant as a whole. */
@Injectable()
export class ChannelsService {
  constructor(
    @Inject(TenantDatabase) private readonly database: TenantDatabase,
    @Inject(SECRET_BOX) private readonly box: SecretBox,
    @Inject(ADDRESS_GUARD) private readonly guard: AddressGuard,
  ) {}

  list({ tenantId }: Caller): Promise<InboundChannelEntity[]> {
    return this.database.run(tenantId, (manager) => listChannels(manager, tenantId));
  }

  /** @throws AppError 404. */
  read({ tenantId }: Caller, name: string): Promise<InboundChannelEntity> {
    return this.database.run(tenantId, (manager) => findChannel(manager, tenantId, name));
  }

  /** @throws AppError 400 for settings that cannot be; 403 for a project's token; 409 for a name that is taken. */
  async create(caller: Caller, wanted: CreateChannelDto): Promise<InboundChannelEntity> {
    refuseProject(caller);
    const { tenantId } = caller;
    const id = newUuid(Date.now());
    const now = new Date();
    const channel: InboundChannelEntity = {
      id,
      tenantId,
      name: wanted.name,
      kind: wanted.kind,
      ...(await this.settingsOf(caller, id, wanted.kind, wanted.settings)),
      isDefault: wanted.is_default ?? false,
      createdAt: now,
      updatedAt: now,
    };
    await this.database.run(tenantId, async (manager) => {
      const { total, isTaken } = await countChannels(manager, tenantId, wanted.name);
      if (isTaken) throw conflict('name_taken', `name: there is a channel called ${wanted.name} already`);
      if (total >= MAX_CHANNELS) {
        throw conflict('channel_limit_reached', `There are ${MAX_CHANNELS} channels, as many as a tenant may have`);
      }
      if (channel.isDefault) await clearDefault(manager, tenantId);
      await manager.insert(InboundChannelEntity, channel as QueryDeepPartialEntity<InboundChannelEntity>);
      await recordChannelAct(manager, caller, 'inbound_channel.created', channel);
    });
    return channel;
  }

  /** @throws AppError 404, 400, 403. */
  async update(caller: Caller, name: string, change: UpdateChannelDto): Promise<InboundChannelEntity> {
    refuseProject(caller);
    const { tenantId } = caller;
    const before = await this.read(caller, name);
    const settings =
      change.settings === undefined
        ? {}
        : await this.settingsOf(caller, before.id, before.kind as ChannelKind, change.settings);
    return this.database.run(tenantId, async (manager) => {
      if (change.is_default === true) await clearDefault(manager, tenantId);
      const columns: Partial<InboundChannelEntity> = {
        ...settings,
        ...(change.is_default !== undefined && { isDefault: change.is_default }),
        updatedAt: new Date(),
      };
      await manager.update(
        InboundChannelEntity,
        { tenantId, id: before.id },
        columns as QueryDeepPartialEntity<InboundChannelEntity>,
      );
      await recordChannelAct(manager, caller, 'inbound_channel.updated', before);
      return findChannel(manager, tenantId, name);
    });
  }

  /** Notify actions that name it fail from now on. @throws AppError 404, 403. */
  async delete(caller: Caller, name: string): Promise<void> {
    refuseProject(caller);
    const { tenantId } = caller;
    await this.database.run(tenantId, async (manager) => {
      const channel = await findChannel(manager, tenantId, name);
      await manager.delete(InboundChannelEntity, { tenantId, id: channel.id });
      await recordChannelAct(manager, caller, 'inbound_channel.deleted', channel);
    });
  }

  /** The columns of settings that are given. */
  private async settingsOf(
    caller: Caller,
    id: string,
    kind: ChannelKind,
    given: unknown,
  ): Promise<Pick<InboundChannelEntity, 'settings' | 'sealedSecrets'>> {
    const problems: ErrorDetail[] = [];
    if (!isJsonObject(given)) throw invalidRequest([{ field: 'settings', message: 'must be an object' }]);
    const read = readChannelSettings({ ...given, kind }, 'settings', problems);
    if (read === null) throw invalidRequest(problems);
    if ('url' in read) await checkUrl(this.database, this.guard, caller.tenantId, read.url, 'settings.url');
    const { kind: _, ...settings } = read;
    const isSecret = (name: string): boolean => SECRET_MEMBERS[kind].includes(name);
    const entries = Object.entries(settings).filter(([, value]) => value !== null);
    const secrets = entries.filter(([name]) => isSecret(name));
    return {
      settings: Object.fromEntries(entries.filter(([name]) => !isSecret(name))),
      sealedSecrets:
        secrets.length === 0 ? null : sealJson(this.box, 'inbound_channel:secrets', id, Object.fromEntries(secrets)),
    };
  }
}

function refuseProject({ projectId }: Caller): void {
  if (projectId === null) return;
  throw new AppError(403, 'project_forbidden', 'Channels belong to the whole tenant, and this token to one project');
}

function recordChannelAct(
  manager: EntityManager,
  caller: Caller,
  action: Act['action'],
  { name, kind }: InboundChannelEntity,
): Promise<void> {
  return recordAct(manager, caller, { action, resource: { type: 'inbound_channel', id: name }, details: { kind } });
}
