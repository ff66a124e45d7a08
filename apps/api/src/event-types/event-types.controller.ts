import { Body, Controller, Delete, Get, Inject, Param, Post, Put, Query } from '@nestjs/common';
import {
  ApiBadRequestResponse,
  ApiConflictResponse,
  ApiCreatedResponse,
  ApiNotFoundResponse,
  ApiOkResponse,
  ApiOperation,
  ApiParam,
  ApiTags,
} from '@nestjs/swagger';
import { formatInstant } from '#kernel/instants';
import { CurrentCaller, type Caller } from '../caller/caller';
import { ErrorResponse } from '../http/error-response';
import { Pagination } from '../http/page';
import { RequireScopes } from '../caller/require-scopes';
import { CreateEventTypeDto, UpdateEventTypeDto } from './dto/event-type.dto';
import { EventTypeArchivedResponse, EventTypeListResponse, EventTypeResponse } from './dto/event-type.response';
import { EventTypeVersionQuery, ListEventTypesQuery } from './dto/event-types.query';
import { EventTypeReader } from './event-type-reader';
import { EventTypesService } from './event-types.service';

const NameParam = (): MethodDecorator => ApiParam({ name: 'name', type: String, example: 'invoice.paid' });

@ApiTags('Event types')
@ApiBadRequestResponse({ description: 'Something in the request is not valid', type: ErrorResponse })
@Controller('api/event-types')
export class EventTypesController {
  constructor(
    @Inject(EventTypesService) private readonly eventTypes: EventTypesService,
    @Inject(EventTypeReader) private readonly reader: EventTypeReader,
  ) {}

  @Get()
  @RequireScopes('event-types:read')
  @ApiOperation({
    operationId: 'listEventTypes',
    summary: "List event types, built-in and the tenant's own, with their schemas and examples",
  })
  @ApiOkResponse({ type: EventTypeListResponse })
  async list(@CurrentCaller() caller: Caller, @Query() query: ListEventTypesQuery): Promise<EventTypeListResponse> {
    const { builtIn, own, total } = await this.reader.list(caller.tenantId, query);
    return {
      event_types: [
        ...builtIn.map((type) => EventTypeResponse.fromBuiltIn(type)),
        ...own.map((row) => EventTypeResponse.from(row)),
      ],
      total,
      pagination: Pagination.of(query, total),
    };
  }

  @Post()
  @RequireScopes('event-types:write')
  @ApiOperation({
    operationId: 'createEventType',
    summary: 'Create an event type',
    description: 'One that was archived comes back, with a new version.',
  })
  @ApiCreatedResponse({ type: EventTypeResponse })
  @ApiConflictResponse({ description: 'It exists, or there are too many', type: ErrorResponse })
  async create(@CurrentCaller() caller: Caller, @Body() body: CreateEventTypeDto): Promise<EventTypeResponse> {
    return EventTypeResponse.from(await this.eventTypes.create(caller, body));
  }

  @Get(':name')
  @RequireScopes('event-types:read')
  @ApiOperation({ operationId: 'getEventType', summary: 'Get an event type in its newest version or another' })
  @NameParam()
  @ApiOkResponse({ type: EventTypeResponse })
  @ApiNotFoundResponse({ description: 'No such event type, or no such version of it', type: ErrorResponse })
  async get(
    @CurrentCaller() caller: Caller,
    @Param('name') name: string,
    @Query() { version }: EventTypeVersionQuery,
  ): Promise<EventTypeResponse> {
    const found = await this.reader.get(caller.tenantId, name, version ?? null);
    if ('builtIn' in found) return EventTypeResponse.fromBuiltIn(found.builtIn);
    return EventTypeResponse.from(found.own, found.version);
  }

  @Put(':name')
  @RequireScopes('event-types:write')
  @ApiOperation({
    operationId: 'updateEventType',
    summary: 'Change an event type',
    description:
      'Only the given fields change. Another schema makes a new version beside the old ones, which stay as they are; events published from now on have the new one unless they name another.',
  })
  @NameParam()
  @ApiOkResponse({ type: EventTypeResponse })
  @ApiNotFoundResponse({ description: 'No such event type', type: ErrorResponse })
  @ApiConflictResponse({ description: 'It is built in or archived, or has too many versions', type: ErrorResponse })
  async update(
    @CurrentCaller() caller: Caller,
    @Param('name') name: string,
    @Body() body: UpdateEventTypeDto,
  ): Promise<EventTypeResponse> {
    return EventTypeResponse.from(await this.eventTypes.update(caller, name, body));
  }

  @Delete(':name')
  @RequireScopes('event-types:write')
  @ApiOperation({
    operationId: 'archiveEventType',
    summary: 'Archive an event type',
    description:
      'It cannot be published or newly subscribed to any more; its versions, events and deliveries stay readable.',
  })
  @NameParam()
  @ApiOkResponse({ type: EventTypeArchivedResponse })
  @ApiNotFoundResponse({ description: 'No such event type', type: ErrorResponse })
  @ApiConflictResponse({ description: 'It is built in, or archived already', type: ErrorResponse })
  async archive(@CurrentCaller() caller: Caller, @Param('name') name: string): Promise<EventTypeArchivedResponse> {
    const archivedAt = await this.eventTypes.archive(caller, name);
    return {
      message: 'Event type archived successfully',
      name,
      archived_at: formatInstant(archivedAt.getTime()),
    };
  }
}
