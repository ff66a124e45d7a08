import { Body, Controller, Delete, Get, HttpCode, Inject, Post, Put } from '@nestjs/common';
import { ApiNotFoundResponse, ApiOkResponse, ApiOperation, ApiTags } from '@nestjs/swagger';
import { ENVIRONMENT } from '#config/config.module';
import type { Environment } from '#config/environment';
import { CurrentCaller, type Caller } from '../caller/caller';
import { ErrorResponse } from '../http/error-response';
import { RequireScopes } from '../caller/require-scopes';
import { ChatCommandDto, ChatCommandResponse } from './dto/chat-command.dto';
import { SlackLinkDto } from './dto/slack-link.dto';
import { SlackLinkDeletedResponse, SlackLinkResponse } from './dto/slack-link.response';
import { InboundChatEndpoints } from './inbound-chat-endpoints';
import { interpret } from './interpret';
import { SlackLinksService } from './slack-links.service';

@ApiTags('Chat')
@Controller('api/chat')
export class ChatController {
  constructor(
    private readonly endpoints: InboundChatEndpoints,
    private readonly links: SlackLinksService,
    @Inject(ENVIRONMENT) private readonly environment: Environment,
  ) {}

  @Post('commands')
  @HttpCode(200)
  @RequireScopes('inbound:read')
  @ApiOperation({
    operationId: 'runChatCommand',
    summary: 'Run a chat command',
    description:
      'Runs one `/webhook …` command on inbound endpoints; `/webhook help` lists them. What is wrong with a command, or refused, is said in `text`.',
  })
  @ApiOkResponse({ type: ChatCommandResponse })
  async run(@CurrentCaller() caller: Caller, @Body() { text }: ChatCommandDto): Promise<ChatCommandResponse> {
    return { text: await interpret(text, this.endpoints.of(caller)) };
  }

  @Get('slack')
  @RequireScopes('inbound:write')
  @ApiOperation({ operationId: 'getSlackLink', summary: 'Get the linked Slack workspace' })
  @ApiOkResponse({ type: SlackLinkResponse })
  @ApiNotFoundResponse({ type: ErrorResponse })
  async get(@CurrentCaller() caller: Caller): Promise<SlackLinkResponse> {
    return SlackLinkResponse.from(await this.links.get(caller), this.environment.publicUrl);
  }

  @Put('slack')
  @RequireScopes('inbound:write')
  @ApiOperation({
    operationId: 'linkSlack',
    summary: 'Link a Slack workspace',
    description:
      'Slash commands posted to `request_url` may do what the calling token may, for as long as it is valid.',
  })
  @ApiOkResponse({ type: SlackLinkResponse })
  async put(@CurrentCaller() caller: Caller, @Body() body: SlackLinkDto): Promise<SlackLinkResponse> {
    return SlackLinkResponse.from(await this.links.put(caller, body), this.environment.publicUrl);
  }

  @Delete('slack')
  @RequireScopes('inbound:write')
  @ApiOperation({ operationId: 'unlinkSlack', summary: 'Unlink the Slack workspace' })
  @ApiOkResponse({ type: SlackLinkDeletedResponse })
  @ApiNotFoundResponse({ type: ErrorResponse })
  async delete(@CurrentCaller() caller: Caller): Promise<SlackLinkDeletedResponse> {
    await this.links.delete(caller);
    return { message: 'Slack unlinked successfully' };
  }
}
