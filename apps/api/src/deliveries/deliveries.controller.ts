import { Controller, Get, Inject, Query } from '@nestjs/common';
import { ApiBadRequestResponse, ApiNotFoundResponse, ApiOperation, ApiParam, ApiTags } from '@nestjs/swagger';
import { CurrentCaller, type Caller } from '../http/caller';
import { ErrorResponse } from '../http/error-response';
import { IdParam } from '../http/id-param';
import { RequireScopes } from '../http/require-scopes';
import { DeliveryHistory, type DeliveryRef } from './delivery-history';
import { DeliveryParam } from './delivery-param';
import { DeliveryListResponse, DeliveryResponse, DeliveryStatsResponse, totalOf } from './dto/delivery.response';
import { cursorAfter, ListDeliveriesQuery, toHistoryFilter, toHistoryPage } from './dto/list-deliveries.query';

@ApiTags('Deliveries')
@ApiParam({ name: 'webhook_id', type: String })
@ApiNotFoundResponse({ description: 'No such webhook or delivery', type: ErrorResponse })
@Controller('api/webhooks/:webhook_id/deliveries')
export class DeliveriesController {
  constructor(@Inject(DeliveryHistory) private readonly history: DeliveryHistory) {}

  @Get()
  @RequireScopes('deliveries:read')
  @ApiOperation({ summary: 'List the deliveries of a webhook, newest first; also of a deleted one' })
  @ApiBadRequestResponse({ description: 'Something in the query is not valid', type: ErrorResponse })
  async list(
    @CurrentCaller() caller: Caller,
    @IdParam('webhook_id', 'webhook', 'Webhook') webhookId: string,
    @Query() query: ListDeliveriesQuery,
  ): Promise<DeliveryListResponse> {
    const [filter, page] = [toHistoryFilter(query), toHistoryPage(query)];
    const { deliveries, hasMore, counts } = await this.history.list(caller, webhookId, filter, page);
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
  @ApiOperation({ summary: 'Get a delivery with its payload and every attempt and response' })
  @ApiParam({ name: 'delivery_id', type: String })
  async get(
    @CurrentCaller() caller: Caller,
    @IdParam('webhook_id', 'webhook', 'Webhook') webhookId: string,
    @DeliveryParam() delivery: DeliveryRef,
  ): Promise<DeliveryResponse> {
    return DeliveryResponse.from(await this.history.read(caller, webhookId, delivery), true);
  }
}
