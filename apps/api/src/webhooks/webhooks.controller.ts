import { Body, Controller, Delete, Get, Inject, Post, Put, Query } from '@nestjs/common';
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
import { RecentDeliveryResponse } from '../delivery-history/recent-delivery.response';
import { CurrentCaller, type Caller } from '../caller/caller';
import { ErrorResponse } from '../http/error-response';
import { IdParam } from '../http/id-param';
import { Pagination } from '../http/page';
import { RequireScopes } from '../caller/require-scopes';
import { NO_TOTALS } from '../delivery-history/webhook-totals.queries';
import { ListWebhooksQuery } from './dto/list-webhooks.query';
import { CreateWebhookDto, UpdateWebhookDto } from './dto/webhook.dto';
import {
  CreatedWebhookResponse,
  DeletedWebhookResponse,
  ListedWebhookResponse,
  UpdatedWebhookResponse,
  WebhookListResponse,
  WebhookResponse,
} from './dto/webhook.response';
import { WebhookReader } from './webhook-reader';
import { WebhooksService } from './webhooks.service';

const WebhookId = (): ParameterDecorator => IdParam('webhook_id', 'webhook', 'Webhook');

@ApiTags('Webhooks')
@ApiBadRequestResponse({ description: 'Something in the request is not valid', type: ErrorResponse })
@Controller('api/webhooks')
export class WebhooksController {
  constructor(
    @Inject(WebhooksService) private readonly webhooks: WebhooksService,
    @Inject(WebhookReader) private readonly reader: WebhookReader,
  ) {}

  @Post()
  @RequireScopes('webhooks:write')
  @ApiOperation({
    operationId: 'createWebhook',
    summary: 'Create a webhook',
    description: 'It receives the very next event it subscribes to.',
  })
  @ApiCreatedResponse({ type: CreatedWebhookResponse })
  @ApiConflictResponse({ description: 'The tenant has as many webhooks as it may', type: ErrorResponse })
  async create(@CurrentCaller() caller: Caller, @Body() body: CreateWebhookDto): Promise<CreatedWebhookResponse> {
    const { webhook, opened } = await this.webhooks.create(caller, body);
    return CreatedWebhookResponse.from(webhook, opened, NO_TOTALS);
  }

  @Get()
  @RequireScopes('webhooks:read')
  @ApiOperation({ operationId: 'listWebhooks', summary: 'List webhooks' })
  @ApiOkResponse({ type: WebhookListResponse })
  async list(@CurrentCaller() caller: Caller, @Query() query: ListWebhooksQuery): Promise<WebhookListResponse> {
    const { webhooks, total } = await this.reader.list(caller, query);
    return {
      webhooks: webhooks.map(({ webhook, totals }) => ListedWebhookResponse.from(webhook, totals)),
      total,
      pagination: Pagination.of(query, total),
    };
  }

  @Get(':webhook_id')
  @RequireScopes('webhooks:read')
  @ApiOperation({
    operationId: 'getWebhook',
    summary: 'Get a webhook with its secret, its statistics and its 10 latest deliveries',
  })
  @ApiParam({ name: 'webhook_id', type: String })
  @ApiNotFoundResponse({ description: 'No such webhook', type: ErrorResponse })
  @ApiOkResponse({ type: WebhookResponse })
  async get(@CurrentCaller() caller: Caller, @WebhookId() id: string): Promise<WebhookResponse> {
    const { webhook, totals, recent, retiring } = await this.reader.read(caller, id);
    return WebhookResponse.full(
      webhook,
      this.webhooks.open(webhook),
      retiring,
      totals,
      recent.map((delivery) => RecentDeliveryResponse.from(delivery)),
    );
  }

  @Put(':webhook_id')
  @RequireScopes('webhooks:write')
  @ApiOperation({
    operationId: 'updateWebhook',
    summary: 'Change a webhook',
    description:
      'Only the given fields change; `headers` and `retry_policy` replace the whole, with defaults for what they leave out. Making it inactive cancels its pending deliveries.',
  })
  @ApiParam({ name: 'webhook_id', type: String })
  @ApiNotFoundResponse({ description: 'No such webhook', type: ErrorResponse })
  @ApiOkResponse({ type: UpdatedWebhookResponse })
  async update(
    @CurrentCaller() caller: Caller,
    @WebhookId() id: string,
    @Body() body: UpdateWebhookDto,
  ): Promise<UpdatedWebhookResponse> {
    return UpdatedWebhookResponse.from(await this.webhooks.update(caller, id, body));
  }

  @Delete(':webhook_id')
  @RequireScopes('webhooks:write')
  @ApiOperation({
    operationId: 'deleteWebhook',
    summary: 'Delete a webhook',
    description: 'Its pending deliveries are cancelled; its history and statistics stay readable.',
  })
  @ApiParam({ name: 'webhook_id', type: String })
  @ApiNotFoundResponse({ description: 'No such webhook', type: ErrorResponse })
  @ApiOkResponse({ type: DeletedWebhookResponse })
  async delete(@CurrentCaller() caller: Caller, @WebhookId() id: string): Promise<DeletedWebhookResponse> {
    return DeletedWebhookResponse.from(id, await this.webhooks.delete(caller, id));
  }
}
