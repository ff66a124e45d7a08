import { randomBytes } from 'node:crypto';
import { Inject, Injectable } from '@nestjs/common';
import { SECRET_BOX } from '#database/database.module';
import { sealContext } from '#database/seal-contexts';
import type { SecretBox } from '#database/secret-box';
import { TenantDatabase } from '#database/tenant-database';
import { AppError, notFound } from '#kernel/app-error';
import { formatId, newUuid } from '#kernel/ids';
import { recordAct } from '../audit-trail/record-act';
import type { Caller } from '../caller/caller';
import type { SlackLinkDto } from './dto/slack-link.dto';
import { deleteSlackLink, findSlackLink, saveSlackLink, type SlackLink } from './slack-links.queries';

const URL_KEY_BYTES = 24;

/** Links a tenant's Slack workspace, so that its slash commands are answered. */
@Injectable()
export class SlackLinksService {
  constructor(
    @Inject(TenantDatabase) private readonly database: TenantDatabase,
    @Inject(SECRET_BOX) private readonly box: SecretBox,
  ) {}

  /** @throws AppError 404 when there is none. */
  async get(caller: Caller): Promise<SlackLink> {
    refuseProjectToken(caller);
    const link = await this.database.run(caller.tenantId, (manager) => findSlackLink(manager, caller.tenantId));
    if (link === null) throw notFound('Slack link');
    return link;
  }

  /** Makes or replaces the link; from now on commands act as the caller's token. @throws AppError 403 for a token bound to a project. */
  async put(
    caller: Caller,
    { signing_secret: secret, team_id: teamId, user_ids: userIds }: SlackLinkDto,
  ): Promise<SlackLink> {
    refuseProjectToken(caller);
    const { tenantId, tokenId } = caller;
    const id = newUuid(Date.now());
    return this.database.run(tenantId, async (manager) => {
      const link = await saveSlackLink(manager, tenantId, {
        id,
        urlKey: randomBytes(URL_KEY_BYTES).toString('base64url'),
        sealedSigningSecret: this.box.seal(secret, sealContext.slackSigningSecret(id)),
        tokenId,
        teamId: teamId ?? null,
        userIds: userIds ?? [],
      });
      await recordAct(manager, caller, { action: 'slack.linked', resource: tenantResource(tenantId) });
      return link;
    });
  }

  /** @throws AppError 404 when there is none. */
  async delete(caller: Caller): Promise<void> {
    refuseProjectToken(caller);
    await this.database.run(caller.tenantId, async (manager) => {
      if (!(await deleteSlackLink(manager, caller.tenantId))) throw notFound('Slack link');
      await recordAct(manager, caller, { action: 'slack.unlinked', resource: tenantResource(caller.tenantId) });
    });
  }
}

function tenantResource(tenantId: string): { type: 'tenant'; id: string } {
  return { type: 'tenant', id: formatId('tenant', tenantId) };
}

/** The link is the tenant's as a whole. */
function refuseProjectToken(caller: Caller): void {
  if (caller.projectId !== null)
    throw new AppError(403, 'project_token', 'A token bound to a project cannot change the Slack link');
}
