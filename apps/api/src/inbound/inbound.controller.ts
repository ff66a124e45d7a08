import { Body, Controller, Delete, Get, HttpCode, Post, Put, Query } from '@nestjs/common';
import {
  ApiConflictResponse,
  ApiCreatedResponse,
  ApiNotFoundResponse,
  ApiOkResponse,
  ApiOperation,
  ApiParam,
  ApiTags,
} from '@nestjs/swagger';
import { formatId } from '#kernel/ids';
import { formatInstant } from '#kernel/instants';
import { CurrentCaller, type Caller } from '../caller/caller';
import { ErrorResponse } from '../http/error-response';
import { PageQuery } from '../http/page';
import { RequireScopes } from '../caller/require-scopes';
import { CreateEndpointDto, RegenerateDto, UpdateEndpointDto } from './dto/endpoint.dto';
import { DeletedEndpointResponse, EndpointListResponse, EndpointResponse } from './dto/endpoint.response';
import { EndpointParam } from './endpoint-param';
import { EndpointReader } from './endpoint-reader';
import { EndpointsService } from './endpoints.service';

@ApiTags('Inbound')
@Controller('api/inbound')
export class InboundController {
  constructor(
    private readonly endpoints: EndpointsService,
    private readonly reader: EndpointReader,
  ) {}

  @Post()
  @RequireScopes('inbound:write')
  @ApiOperation({ operationId: 'createInbound', summary: 'Make an inbound endpoint' })
  @ApiCreatedResponse({ type: EndpointResponse })
  @ApiConflictResponse({ description: 'The name is taken, or there are as many as there may be', type: ErrorResponse })
  async create(@CurrentCaller() caller: Caller, @Body() body: CreateEndpointDto): Promise<EndpointResponse> {
    return this.reader.show(caller, await this.endpoints.create(caller, body));
  }

  @Get()
  @RequireScopes('inbound:read')
  @ApiOperation({ operationId: 'listInbound', summary: 'List the inbound endpoints, by name' })
  @ApiOkResponse({ type: EndpointListResponse })
  list(@CurrentCaller() caller: Caller, @Query() page: PageQuery): Promise<EndpointListResponse> {
    return this.reader.list(caller, page);
  }

  @Get(':endpoint')
  @RequireScopes('inbound:read')
  @ApiParam({ name: 'endpoint', type: String })
  @ApiOperation({ operationId: 'readInbound', summary: 'Read an inbound endpoint, its actions included' })
  @ApiOkResponse({ type: EndpointResponse })
  @ApiNotFoundResponse({ type: ErrorResponse })
  read(@CurrentCaller() caller: Caller, @EndpointParam() endpoint: string): Promise<EndpointResponse> {
    return this.reader.read(caller, endpoint);
  }

  @Put(':endpoint')
  @RequireScopes('inbound:write')
  @ApiParam({ name: 'endpoint', type: String })
  @ApiOperation({
    operationId: 'updateInbound',
    summary: 'Change an inbound endpoint',
    description: 'What is given is replaced, null where it may be takes it away, and what is left out stays.',
  })
  @ApiOkResponse({ type: EndpointResponse })
  @ApiNotFoundResponse({ type: ErrorResponse })
  async update(
    @CurrentCaller() caller: Caller,
    @EndpointParam() endpoint: string,
    @Body() body: UpdateEndpointDto,
  ): Promise<EndpointResponse> {
    return this.reader.show(caller, await this.endpoints.update(caller, endpoint, body));
  }

  @Delete(':endpoint')
  @RequireScopes('inbound:write')
  @ApiParam({ name: 'endpoint', type: String })
  @ApiOperation({ operationId: 'deleteInbound', summary: 'Delete an inbound endpoint, its URL, log and records' })
  @ApiOkResponse({ type: DeletedEndpointResponse })
  @ApiNotFoundResponse({ type: ErrorResponse })
  async delete(@CurrentCaller() caller: Caller, @EndpointParam() name: string): Promise<DeletedEndpointResponse> {
    const { endpoint, deletedAt } = await this.endpoints.delete(caller, name);
    return {
      inbound_id: formatId('inb', endpoint.id),
      name: endpoint.name,
      deleted: true,
      deleted_at: formatInstant(deletedAt.getTime()),
    };
  }

  @Post(':endpoint/regenerate')
  @HttpCode(200)
  @RequireScopes('inbound:write')
  @ApiParam({ name: 'endpoint', type: String })
  @ApiOperation({
    operationId: 'regenerateInbound',
    summary: 'Give an inbound endpoint a new URL, a new secret or both',
    description: 'The old ones go on working for `overlap_seconds`, none unless given. `{}` changes both at once.',
  })
  @ApiOkResponse({ type: EndpointResponse })
  @ApiNotFoundResponse({ type: ErrorResponse })
  async regenerate(
    @CurrentCaller() caller: Caller,
    @EndpointParam() endpoint: string,
    @Body() body: RegenerateDto,
  ): Promise<EndpointResponse> {
    return this.reader.show(caller, await this.endpoints.regenerate(caller, endpoint, body));
  }
}
