import type { FastifyReply } from 'fastify';
import { Body, Controller, Delete, Get, Headers, HttpCode, Param, Post, Query, Res } from '@nestjs/common';
import {
  ApiAcceptedResponse,
  ApiBadRequestResponse,
  ApiBody,
  ApiConflictResponse,
  ApiHeader,
  ApiNotFoundResponse,
  ApiOkResponse,
  ApiOperation,
  ApiPayloadTooLargeResponse,
  ApiServiceUnavailableResponse,
  ApiTags,
  ApiTooManyRequestsResponse,
  ApiUnprocessableEntityResponse,
} from '@nestjs/swagger';
import { invalidRequest, notFound } from '#kernel/app-error';
import { isUuid } from '#kernel/ids';
import { formatInstant } from '#kernel/instants';
import { CurrentCaller, type Caller } from '../caller/caller';
import { RawBody } from '../http/raw-body';
import { ErrorResponse } from '../http/error-response';
import { BodyLimit } from '../http/fastify-options';
import { KeptHistory } from '../delivery-history/kept-history';
import { RequireScopes } from '../caller/require-scopes';
import { CancelledEventResponse, EventDetailResponse, EventListResponse, EventResponse } from './dto/event.response';
import { ExplainResponse } from './dto/explain.response';
import { ListEventsQuery } from './dto/list-events.query';
import { PublishBatchDto, PublishBatchResponse, PublishedEventResponse, PublishEventDto } from './dto/publish.dto';
import { EventsQueries } from './events.queries';
import { ExplainService } from './explain.service';
import { budgetHeaders } from './publish-limits';
import { PublisherService } from './publisher.service';
import { ScheduledEvents } from './scheduled-events';

/** Room for the other fields beside `data`. */
const ENVELOPE_BYTES = 16_384;
const MAX_BATCH_BYTES = 16 * 1024 * 1024;

const IdempotencyKey = (): MethodDecorator =>
  ApiHeader({
    name: 'Idempotency-Key',
    required: false,
    description: 'Publishing again under the same key within 24 hours changes nothing.',
  });

@ApiTags('Events')
@Controller('api/events')
export class EventsController {
  constructor(
    private readonly publisher: PublisherService,
    private readonly events: EventsQueries,
    private readonly scheduled: ScheduledEvents,
    private readonly explanations: ExplainService,
    private readonly kept: KeptHistory,
  ) {}

  @Post()
  @HttpCode(202)
  @RequireScopes('events:write')
  @BodyLimit((environment) => Math.max(environment.maxEventBytes, 262_144) + ENVELOPE_BYTES)
  @ApiOperation({
    operationId: 'publishEvent',
    summary: 'Publish an event',
    description: 'Answers once the event is stored for good; it is then delivered to every webhook that wants it.',
  })
  @IdempotencyKey()
  @ApiBody({ type: PublishEventDto })
  @ApiAcceptedResponse({ type: PublishedEventResponse })
  @ApiBadRequestResponse({ type: ErrorResponse })
  @ApiPayloadTooLargeResponse({ type: ErrorResponse })
  @ApiUnprocessableEntityResponse({
    description: 'The key was used before with another body, or the data does not satisfy its schema',
    type: ErrorResponse,
  })
  @ApiTooManyRequestsResponse({
    description: "Beyond the tenant's limit; see Retry-After and RateLimit-*",
    type: ErrorResponse,
  })
  @ApiServiceUnavailableResponse({ description: 'It could not be stored now; try again', type: ErrorResponse })
  async publish(
    @CurrentCaller() caller: Caller,
    @Body() body: unknown,
    @RawBody() raw: Buffer,
    @Res({ passthrough: true }) reply: FastifyReply,
    @Headers('Idempotency-Key') idempotencyKey?: string,
  ): Promise<PublishedEventResponse> {
    const { event, budget } = await this.publisher.publish(caller, body, raw, idempotencyKey ?? null);
    if (budget !== null) void reply.headers(budgetHeaders(budget));
    return event;
  }

  @Post('batch')
  @HttpCode(202)
  @RequireScopes('events:write')
  @BodyLimit(() => MAX_BATCH_BYTES)
  @ApiOperation({
    operationId: 'publishEvents',
    summary: 'Publish up to 1,000 events',
    description: 'Answered item by item, in order; one that is wrong concerns no other.',
  })
  @IdempotencyKey()
  @ApiBody({ type: PublishBatchDto })
  @ApiAcceptedResponse({ type: PublishBatchResponse })
  @ApiBadRequestResponse({ type: ErrorResponse })
  @ApiPayloadTooLargeResponse({ type: ErrorResponse })
  @ApiServiceUnavailableResponse({ type: ErrorResponse })
  async publishBatch(
    @CurrentCaller() caller: Caller,
    @Body() body: unknown,
    @RawBody() raw: Buffer,
    @Res({ passthrough: true }) reply: FastifyReply,
    @Headers('Idempotency-Key') idempotencyKey?: string,
  ): Promise<PublishBatchResponse> {
    const { batch, budget } = await this.publisher.publishBatch(caller, body, raw, idempotencyKey ?? null);
    if (budget !== null) void reply.headers(budgetHeaders(budget));
    return batch;
  }

  @Get()
  @RequireScopes('events:read')
  @ApiOperation({
    operationId: 'listEvents',
    summary: 'List events, newest first',
    description:
      'With `event_type` or `project_id` a page may have fewer events than `limit`, or none, and `has_more` all the same: go on with `next_cursor`.',
  })
  @ApiOkResponse({ type: EventListResponse })
  @ApiBadRequestResponse({ type: ErrorResponse })
  async list(@CurrentCaller() caller: Caller, @Query() query: ListEventsQuery): Promise<EventListResponse> {
    if (query.cursor !== undefined && !isUuid(query.cursor)) {
      throw invalidRequest([{ field: 'cursor', message: 'must be the next_cursor of an earlier page' }]);
    }
    const { events, next } = await this.events.list(caller.tenantId, {
      projectId: caller.projectId ?? query.project_id ?? null,
      type: query.event_type ?? null,
      startMs: Math.max(query.start_date?.getTime() ?? 0, this.kept.startsAt(caller, Date.now()).recordsMs),
      endMs: query.end_date?.getTime() ?? null,
      before: query.cursor ?? null,
      limit: query.limit,
    });
    return {
      events: events.map((row) => EventResponse.from(row, Date.now())),
      next_cursor: next,
      pagination: { limit: query.limit, has_more: next !== null },
    };
  }

  @Get(':event_id')
  @RequireScopes('events:read')
  @ApiOperation({ operationId: 'getEvent', summary: 'Get an event with its deliveries' })
  @ApiOkResponse({ type: EventDetailResponse })
  @ApiNotFoundResponse({ type: ErrorResponse })
  async get(@CurrentCaller() caller: Caller, @Param('event_id') eventId: string): Promise<EventDetailResponse> {
    const found = await this.events.find(caller.tenantId, eventId, caller.projectId);
    if (found === null) throw notFound('Event');
    return EventDetailResponse.of(found, this.kept.startsAt(caller, Date.now()).payloadsMs, Date.now());
  }

  @Get(':event_id/explain')
  @RequireScopes('events:read')
  @ApiOperation({
    operationId: 'explainEvent',
    summary: 'Explain who got an event and who did not',
    description: 'For each webhook whether and why it did or did not get the event.',
  })
  @ApiOkResponse({ type: ExplainResponse })
  @ApiNotFoundResponse({ type: ErrorResponse })
  explain(@CurrentCaller() caller: Caller, @Param('event_id') eventId: string): Promise<ExplainResponse> {
    return this.explanations.explain(caller.tenantId, eventId, caller.projectId, Date.now());
  }

  @Delete(':event_id')
  @RequireScopes('events:write')
  @ApiOperation({
    operationId: 'cancelEvent',
    summary: 'Cancel a scheduled event',
    description: 'Possible until its `deliver_at`.',
  })
  @ApiOkResponse({ type: CancelledEventResponse })
  @ApiNotFoundResponse({ type: ErrorResponse })
  @ApiConflictResponse({ description: 'It is not scheduled, or has gone out', type: ErrorResponse })
  async cancel(@CurrentCaller() caller: Caller, @Param('event_id') eventId: string): Promise<CancelledEventResponse> {
    const cancelledAt = await this.scheduled.cancel(caller.tenantId, eventId, caller.projectId);
    return {
      message: 'Event cancelled successfully',
      event_id: eventId,
      cancelled_at: formatInstant(cancelledAt.getTime()),
    };
  }
}
