import { Body, Controller, Delete, Get, Post, Put } from '@nestjs/common';
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
import { CurrentCaller, type Caller } from '../caller/caller';
import { ErrorResponse } from '../http/error-response';
import { RequireScopes } from '../caller/require-scopes';
import { ActionsService } from './actions.service';
import { AddActionDto, UpdateActionDto } from './dto/action.dto';
import { ActionListResponse, ActionResponse, AddedActionResponse, RemovedActionResponse } from './dto/action.response';
import { ActionParam, EndpointParam } from './endpoint-param';

@ApiTags('Inbound')
@ApiParam({ name: 'endpoint', type: String })
@ApiNotFoundResponse({ type: ErrorResponse })
@Controller('api/inbound/:endpoint/actions')
export class InboundActionsController {
  constructor(private readonly actions: ActionsService) {}

  @Post()
  @RequireScopes('inbound:write')
  @ApiOperation({ operationId: 'addInboundAction', summary: 'Add an action to an inbound endpoint' })
  @ApiCreatedResponse({ type: AddedActionResponse })
  @ApiConflictResponse({ description: 'It has as many as it may have', type: ErrorResponse })
  async add(
    @CurrentCaller() caller: Caller,
    @EndpointParam() endpoint: string,
    @Body() body: AddActionDto,
  ): Promise<AddedActionResponse> {
    const { action, forward } = await this.actions.add(caller, endpoint, body);
    return { ...ActionResponse.from(action, forward), secret: this.actions.secretOf(action) };
  }

  @Get()
  @RequireScopes('inbound:read')
  @ApiOperation({
    operationId: 'listInboundActions',
    summary: 'List the actions of an inbound endpoint, in their order',
  })
  @ApiOkResponse({ type: ActionListResponse })
  async list(@CurrentCaller() caller: Caller, @EndpointParam() endpoint: string): Promise<ActionListResponse> {
    const found = await this.actions.list(caller, endpoint);
    return { actions: found.map(({ action, forward }) => ActionResponse.from(action, forward)) };
  }

  @Put(':action_id')
  @RequireScopes('inbound:write')
  @ApiParam({ name: 'action_id', type: String })
  @ApiOperation({
    operationId: 'updateInboundAction',
    summary: 'Change an action',
    description: 'Settings are replaced as a whole; the secret stays unless another one is given.',
  })
  @ApiOkResponse({ type: ActionResponse })
  async update(
    @CurrentCaller() caller: Caller,
    @EndpointParam() endpoint: string,
    @ActionParam() actionId: string,
    @Body() body: UpdateActionDto,
  ): Promise<ActionResponse> {
    const { action, forward } = await this.actions.update(caller, endpoint, actionId, body);
    return ActionResponse.from(action, forward);
  }

  @Delete(':action_id')
  @RequireScopes('inbound:write')
  @ApiParam({ name: 'action_id', type: String })
  @ApiOperation({ operationId: 'removeInboundAction', summary: 'Remove an action; runs of it that wait are skipped' })
  @ApiOkResponse({ type: RemovedActionResponse })
  async remove(
    @CurrentCaller() caller: Caller,
    @EndpointParam() endpoint: string,
    @ActionParam() actionId: string,
  ): Promise<RemovedActionResponse> {
    await this.actions.remove(caller, endpoint, actionId);
    return { action_id: formatId('act', actionId), deleted: true };
  }
}
