import { Controller, Get, Headers, HttpCode, Inject, Post, Query } from '@nestjs/common';
import {
  ApiAcceptedResponse,
  ApiBadRequestResponse,
  ApiConflictResponse,
  ApiGoneResponse,
  ApiHeader,
  ApiNotFoundResponse,
  ApiOkResponse,
  ApiOperation,
  ApiParam,
  ApiTags,
  ApiUnprocessableEntityResponse,
} from '@nestjs/swagger';
import { CurrentCaller, type Caller } from '../caller/caller';
import { ErrorResponse } from '../http/error-response';
import { IdParam } from '../http/id-param';
import { RequireScopes } from '../caller/require-scopes';
import { BlockedLineService } from './blocked-line.service';
import { DeliveryHistory, type DeliveryRef } from './delivery-history';
import { DeliveryParam } from './delivery-param';
import { DeliveryListResponse, DeliveryResponse, DeliveryStatsResponse, totalOf } from './dto/delivery.response';
import { RedeliveryResponse } from './dto/redelivery.response';
import { SkippedDeliveryResponse } from './dto/skipped-delivery.response';
import { cursorAfter, ListDeliveriesQuery, toHistoryFilter } from './dto/list-deliveries.query';
import { RedeliveryService } from './redelivery.service';
import { readIdempotencyKey } from './request-keys.queries';

@ApiTags('Deliveries')
@ApiParam({ name: 'webhook_id', type: String })
@ApiNotFoundResponse({ description: 'No such webhook or delivery', type: ErrorResponse })
@Controller('api/webhooks/:webhook_id/deliveries')
export class DeliveriesController {
  constructor(
    @Inject(DeliveryHistory) private readonly history: DeliveryHistory,
    @Inject(RedeliveryService) private readonly redeliveries: RedeliveryService,
    @Inject(BlockedLineService) private readonly lines: BlockedLineService,
  ) {}

  @Get()
  @RequireScopes('deliveries:read')
  @ApiOperation({
    operationId: 'listDeliveries',
    summary: 'List the deliveries of a webhook, newest first; also of a deleted one',
  })
  @ApiOkResponse({ type: DeliveryListResponse })
  @ApiBadRequestResponse({ description: 'Something in the query is not valid', type: ErrorResponse })
  async list(
    @CurrentCaller() caller: Caller,
    @IdParam('webhook_id', 'webhook', 'Webhook') webhookId: string,
    @Query() query: ListDeliveriesQuery,
  ): Promise<DeliveryListResponse> {
    const { deliveries, hasMore, counts } = await this.history.list(caller, webhookId, toHistoryFilter(query), query);
    const last = deliveries.at(-1);
    return {
      deliveries: deliveries.map((delivery) => DeliveryResponse.from(delivery, false)),
      total: totalOf(counts, query.status),
      pagination: {
        limit: query.limit,
        offset: query.offset,
        has_more: hasMore,
        next_cursor: hasMore && last !== undefined ? cursorAfter(last.delivery.id) : null,
      },
      stats: DeliveryStatsResponse.from(counts),
    };
  }

  @Get(':delivery_id')
  @RequireScopes('deliveries:read')
  @ApiOperation({
    operationId: 'getDelivery',
    summary: 'Get a delivery with its payload and every attempt and response',
  })
  @ApiParam({ name: 'delivery_id', type: String })
  @ApiOkResponse({ type: DeliveryResponse })
  async get(
    @CurrentCaller() caller: Caller,
    @IdParam('webhook_id', 'webhook', 'Webhook') webhookId: string,
    @DeliveryParam() delivery: DeliveryRef,
  ): Promise<DeliveryResponse> {
    return DeliveryResponse.from(await this.history.read(caller, webhookId, delivery), true);
  }

  @Post(':delivery_id/redeliver')
  @HttpCode(202)
  @RequireScopes('deliveries:write')
  @ApiOperation({
    operationId: 'redeliver',
    summary: 'Deliver an event to the webhook again',
    description: 'A new delivery with the same payload and event id, whatever became of the first.',
  })
  @ApiParam({ name: 'delivery_id', type: String })
  @ApiHeader({
    name: 'Idempotency-Key',
    required: false,
    description: 'Asking again under the same key within 24 hours makes no further delivery.',
  })
  @ApiAcceptedResponse({ type: RedeliveryResponse })
  @ApiConflictResponse({ description: 'The webhook is inactive, or the delivery was a test', type: ErrorResponse })
  @ApiGoneResponse({ description: 'The payload is no longer kept', type: ErrorResponse })
  @ApiUnprocessableEntityResponse({ description: 'The key was used for another delivery', type: ErrorResponse })
  async redeliver(
    @CurrentCaller() caller: Caller,
    @IdParam('webhook_id', 'webhook', 'Webhook') webhookId: string,
    @DeliveryParam() delivery: DeliveryRef,
    @Headers('Idempotency-Key') idempotencyKey?: string,
  ): Promise<RedeliveryResponse> {
    const key = readIdempotencyKey(idempotencyKey);
    return RedeliveryResponse.from(await this.redeliveries.redeliver(caller, webhookId, delivery, key));
  }

  @Post(':delivery_id/skip')
  @HttpCode(200)
  @RequireScopes('deliveries:write')
  @ApiOperation({
    operationId: 'skipDelivery',
    summary: 'Let the deliveries go that wait behind one which was given up',
    description:
      'Of an `ordered` webhook whose `on_exhausted` is `wait`: the next of the same ordering key goes at once. Other keys stay as they are, and the delivery stays given up; it may still be redelivered.',
  })
  @ApiParam({ name: 'delivery_id', type: String })
  @ApiOkResponse({ type: SkippedDeliveryResponse })
  @ApiConflictResponse({ description: 'No line waits behind the delivery', type: ErrorResponse })
  async skip(
    @CurrentCaller() caller: Caller,
    @IdParam('webhook_id', 'webhook', 'Webhook') webhookId: string,
    @DeliveryParam() delivery: DeliveryRef,
  ): Promise<SkippedDeliveryResponse> {
    return SkippedDeliveryResponse.from(await this.lines.skip(caller, webhookId, delivery));
  }
}
