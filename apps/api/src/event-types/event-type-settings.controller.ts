import { Body, Controller, Get, Inject, Put } from '@nestjs/common';
import { ApiBadRequestResponse, ApiOkResponse, ApiOperation, ApiTags } from '@nestjs/swagger';
import { CurrentCaller, type Caller } from '../caller/caller';
import { ErrorResponse } from '../http/error-response';
import { RequireScopes } from '../caller/require-scopes';
import { EventTypeSettingsResponse, UpdateEventTypeSettingsDto } from './dto/event-type-settings.dto';
import { EventTypeCatalog } from './event-type-catalog';
import { EventTypesService } from './event-types.service';

@ApiTags('Event types')
@Controller('api/event-type-settings')
export class EventTypeSettingsController {
  constructor(
    @Inject(EventTypesService) private readonly eventTypes: EventTypesService,
    @Inject(EventTypeCatalog) private readonly catalog: EventTypeCatalog,
  ) {}

  @Get()
  @RequireScopes('event-types:read')
  @ApiOperation({ operationId: 'getEventTypeSettings', summary: 'Get how published data is held to its schemas' })
  @ApiOkResponse({ type: EventTypeSettingsResponse })
  async get(@CurrentCaller() caller: Caller): Promise<EventTypeSettingsResponse> {
    const { validation } = await this.catalog.of(caller);
    return { schema_validation: validation };
  }

  @Put()
  @RequireScopes('event-types:write')
  @ApiOperation({
    operationId: 'updateEventTypeSettings',
    summary: 'Set how published data is held to its schemas',
    description: 'Effective here at once, on every instance within a second.',
  })
  @ApiOkResponse({ type: EventTypeSettingsResponse })
  @ApiBadRequestResponse({ description: 'Something in the request is not valid', type: ErrorResponse })
  async update(
    @CurrentCaller() caller: Caller,
    @Body() body: UpdateEventTypeSettingsDto,
  ): Promise<EventTypeSettingsResponse> {
    return { schema_validation: await this.eventTypes.setValidation(caller, body.schema_validation) };
  }
}
