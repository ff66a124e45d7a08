import { Inject, Injectable } from '@nestjs/common';
import type { Pool } from 'pg';
import { SERVICE_POOL, SECRET_BOX } from '#database/database.module';
import { sealContext } from '#database/seal-contexts';
import type { SecretBox } from '#database/secret-box';
import { verifySignature } from '#inbound-rules/signatures/verify-signature';
import { AppError, notFound } from '#kernel/app-error';
import type { Caller } from '../caller/caller';
import { TokenAuthenticator } from '../authentication/token-authenticator';
import { InboundChatEndpoints } from './inbound-chat-endpoints';
import { interpret } from './interpret';
import { findPostedTo, type SlackLinkSecrets } from './slack-links.queries';

/** A slash command as it arrives. */
export interface PostedCommand {
  urlKey: string;
  headers: Record<string, string | string[] | undefined>;
  body: Buffer;
  clientIp: string;
  requestId: string;
  receivedAt: Date;
}

/** Answers slash commands of linked Slack workspaces (docs.slack.dev: Verifying requests from Slack, v0). */
@Injectable()
export class SlackCommands {
  constructor(
    @Inject(SERVICE_POOL) private readonly pool: Pool,
    @Inject(SECRET_BOX) private readonly box: SecretBox,
    @Inject(TokenAuthenticator) private readonly tokens: TokenAuthenticator,
    private readonly endpoints: InboundChatEndpoints,
  ) {}

  /**
   * The text to show to the author of the command only.
   * @throws AppError 404 for an unknown URL, 401 for a wrong or old signature.
   */
  async answer(posted: PostedCommand): Promise<string> {
    const link = await findPostedTo(this.pool, posted.urlKey);
    if (link === null) throw notFound('Slack link');
    this.verify(link, posted);
    const form = new URLSearchParams(posted.body.toString('utf8'));
    const refusal = refusalOf(link, form);
    if (refusal !== null) return refusal;
    const caller = await this.callerOf(link, posted);
    if (caller === null)
      return 'The token that linked this workspace is no longer valid. Link it again: PUT /api/chat/slack';
    return interpret(form.get('text') ?? '', this.endpoints.of(caller));
  }

  private verify(link: SlackLinkSecrets, { headers, body, clientIp, receivedAt }: PostedCommand): void {
    const secret = this.box.unseal(link.sealedSigningSecret, sealContext.slackSigningSecret(link.id));
    const request = { method: 'POST', headers, query: {}, body, ip: clientIp, receivedAt };
    const { passed } = verifySignature({ scheme: 'slack' }, [secret], request, receivedAt);
    if (!passed) throw new AppError(401, 'invalid_signature', 'The signature is not valid');
  }

  private async callerOf(link: SlackLinkSecrets, { clientIp, requestId }: PostedCommand): Promise<Caller | null> {
    try {
      const holder = await this.tokens.authenticateStored(link.tokenHash, { clientIp, network: null, requestId });
      return { ...holder, clientIp, requestId };
    } catch (error) {
      if (error instanceof AppError && error.status < 500) return null;
      throw error;
    }
  }
}

function refusalOf(link: SlackLinkSecrets, form: URLSearchParams): string | null {
  if (link.teamId !== null && form.get('team_id') !== link.teamId)
    return 'This workspace is not the one that was linked.';
  if (link.userIds.length > 0 && !link.userIds.includes(form.get('user_id') ?? ''))
    return 'You are not among those who may use this command.';
  return null;
}
