import { Controller, Get, Inject, Query } from '@nestjs/common';
import {
  ApiBadRequestResponse,
  ApiNotFoundResponse,
  ApiOkResponse,
  ApiOperation,
  ApiParam,
  ApiTags,
} from '@nestjs/swagger';
import { CurrentCaller, type Caller } from '../caller/caller';
import { ErrorResponse } from '../http/error-response';
import { IdParam } from '../http/id-param';
import { RequireScopes } from '../caller/require-scopes';
import { StatsQuery, toStatsRange } from './dto/stats.query';
import { WebhookStatisticsResponse } from './dto/stats.response';
import { StatsReader } from './stats-reader';

@ApiTags('Webhooks')
@Controller('api/webhooks/:webhook_id/stats')
export class StatsController {
  constructor(@Inject(StatsReader) private readonly stats: StatsReader) {}

  @Get()
  @RequireScopes('webhooks:read')
  @ApiOperation({
    operationId: 'getWebhookStats',
    summary: 'Statistics of a webhook; also of a deleted one',
    description:
      'Deliveries count where they were made. The range is widened to whole hours; periods without deliveries are zeros.',
  })
  @ApiParam({ name: 'webhook_id', type: String })
  @ApiOkResponse({ type: WebhookStatisticsResponse })
  @ApiBadRequestResponse({ description: 'Something in the query is not valid', type: ErrorResponse })
  @ApiNotFoundResponse({ description: 'No such webhook', type: ErrorResponse })
  async get(
    @CurrentCaller() caller: Caller,
    @IdParam('webhook_id', 'webhook', 'Webhook') webhookId: string,
    @Query() query: StatsQuery,
  ): Promise<WebhookStatisticsResponse> {
    const { range, periods } = toStatsRange(query, Date.now());
    const stats = await this.stats.read(caller, webhookId, query.period, range);
    return WebhookStatisticsResponse.from(webhookId, query.period, range, periods, stats);
  }
}
