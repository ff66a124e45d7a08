import { Body, Controller, Delete, Get, Param, Post, Put } from '@nestjs/common';
import {
  ApiConflictResponse,
  ApiCreatedResponse,
  ApiNotFoundResponse,
  ApiOkResponse,
  ApiOperation,
  ApiParam,
  ApiTags,
} from '@nestjs/swagger';
import { CurrentCaller, type Caller } from '../caller/caller';
import { ErrorResponse } from '../http/error-response';
import { RequireScopes } from '../caller/require-scopes';
import { ChannelsService } from './channels.service';
import {
  ChannelListResponse,
  ChannelResponse,
  CreateChannelDto,
  DeletedChannelResponse,
  UpdateChannelDto,
} from './dto/channel.dto';

@ApiTags('Inbound')
@Controller('api/inbound/channels')
export class InboundChannelsController {
  constructor(private readonly channels: ChannelsService) {}

  @Post()
  @RequireScopes('inbound:write')
  @ApiOperation({ operationId: 'createInboundChannel', summary: 'Make a channel that notify actions send to' })
  @ApiCreatedResponse({ type: ChannelResponse })
  @ApiConflictResponse({ description: 'The name is taken, or there are as many as there may be', type: ErrorResponse })
  async create(@CurrentCaller() caller: Caller, @Body() body: CreateChannelDto): Promise<ChannelResponse> {
    return ChannelResponse.from(await this.channels.create(caller, body));
  }

  @Get()
  @RequireScopes('inbound:read')
  @ApiOperation({ operationId: 'listInboundChannels', summary: 'List the channels, by name' })
  @ApiOkResponse({ type: ChannelListResponse })
  async list(@CurrentCaller() caller: Caller): Promise<ChannelListResponse> {
    return { channels: (await this.channels.list(caller)).map((channel) => ChannelResponse.from(channel)) };
  }

  @Get(':channel')
  @RequireScopes('inbound:read')
  @ApiParam({ name: 'channel', type: String })
  @ApiOperation({ operationId: 'readInboundChannel', summary: 'Read a channel' })
  @ApiOkResponse({ type: ChannelResponse })
  @ApiNotFoundResponse({ type: ErrorResponse })
  async read(@CurrentCaller() caller: Caller, @Param('channel') name: string): Promise<ChannelResponse> {
    return ChannelResponse.from(await this.channels.read(caller, name));
  }

  @Put(':channel')
  @RequireScopes('inbound:write')
  @ApiParam({ name: 'channel', type: String })
  @ApiOperation({ operationId: 'updateInboundChannel', summary: 'Change a channel' })
  @ApiOkResponse({ type: ChannelResponse })
  @ApiNotFoundResponse({ type: ErrorResponse })
  async update(
    @CurrentCaller() caller: Caller,
    @Param('channel') name: string,
    @Body() body: UpdateChannelDto,
  ): Promise<ChannelResponse> {
    return ChannelResponse.from(await this.channels.update(caller, name, body));
  }

  @Delete(':channel')
  @RequireScopes('inbound:write')
  @ApiParam({ name: 'channel', type: String })
  @ApiOperation({
    operationId: 'deleteInboundChannel',
    summary: 'Delete a channel; notify actions that name it fail from then on',
  })
  @ApiOkResponse({ type: DeletedChannelResponse })
  @ApiNotFoundResponse({ type: ErrorResponse })
  async delete(@CurrentCaller() caller: Caller, @Param('channel') name: string): Promise<DeletedChannelResponse> {
    await this.channels.delete(caller, name);
    return { name, deleted: true };
  }
}
