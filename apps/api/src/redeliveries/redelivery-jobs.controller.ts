import { Body, Controller, Delete, Get, Headers, HttpStatus, Inject, Post, Query, Res } from '@nestjs/common';
import {
  ApiAcceptedResponse,
  ApiConflictResponse,
  ApiHeader,
  ApiNotFoundResponse,
  ApiOkResponse,
  ApiOperation,
  ApiParam,
  ApiTags,
  ApiUnprocessableEntityResponse,
} from '@nestjs/swagger';
import type { FastifyReply } from 'fastify';
import { readIdempotencyKey } from '../deliveries/request-keys.queries';
import { CurrentCaller, type Caller } from '../caller/caller';
import { ErrorResponse } from '../http/error-response';
import { IdParam } from '../http/id-param';
import { PageQuery, Pagination } from '../http/page';
import { RequireScopes } from '../caller/require-scopes';
import { checkRange, RedeliverManyDto } from './dto/redeliver-many.dto';
import {
  RedeliveryDryRunResponse,
  RedeliveryJobListResponse,
  RedeliveryJobResponse,
} from './dto/redelivery-job.response';
import { RedeliveryJobsService } from './redelivery-jobs.service';

const WebhookId = (): ParameterDecorator => IdParam('webhook_id', 'webhook', 'Webhook');
const JobId = (): ParameterDecorator => IdParam('job_id', 'job', 'Bulk redelivery');

@ApiTags('Deliveries')
@ApiParam({ name: 'webhook_id', type: String })
@ApiNotFoundResponse({ description: 'No such webhook or bulk redelivery', type: ErrorResponse })
@Controller('api/webhooks/:webhook_id')
export class RedeliveryJobsController {
  constructor(@Inject(RedeliveryJobsService) private readonly jobs: RedeliveryJobsService) {}

  @Post('deliveries/redeliver')
  @RequireScopes('deliveries:write')
  @ApiOperation({
    operationId: 'redeliverMany',
    summary: 'Redeliver the deliveries of a webhook that a filter means',
    description:
      'Makes a job that goes through them from the oldest on, at a pace, each once; one at a time per webhook. With `dry_run` it only counts them.',
  })
  @ApiHeader({
    name: 'Idempotency-Key',
    required: false,
    description: 'Asking again under the same key within 24 hours makes no further job and answers with the first.',
  })
  @ApiOkResponse({ type: RedeliveryDryRunResponse, description: 'How many there are, for a dry run' })
  @ApiAcceptedResponse({ type: RedeliveryJobResponse, description: 'The job was made' })
  @ApiConflictResponse({
    description: 'The webhook is inactive, or another bulk redelivery of it is under way',
    type: ErrorResponse,
  })
  @ApiUnprocessableEntityResponse({ description: 'The key was used for another request', type: ErrorResponse })
  async redeliverMany(
    @CurrentCaller() caller: Caller,
    @WebhookId() webhookId: string,
    @Body() body: RedeliverManyDto,
    @Res({ passthrough: true }) reply: FastifyReply,
    @Headers('Idempotency-Key') idempotencyKey?: string,
  ): Promise<RedeliveryDryRunResponse | RedeliveryJobResponse> {
    checkRange(body);
    const key = readIdempotencyKey(idempotencyKey);
    void reply.status(body.dry_run ? HttpStatus.OK : HttpStatus.ACCEPTED);
    if (body.dry_run) return { matched: await this.jobs.count(caller, webhookId, body) };
    return RedeliveryJobResponse.from(await this.jobs.start(caller, webhookId, body, key));
  }

  @Get('redeliveries')
  @RequireScopes('deliveries:read')
  @ApiOperation({
    operationId: 'listRedeliveries',
    summary: 'List the bulk redeliveries of a webhook, newest first',
    description: 'They are kept for 30 days after they ended.',
  })
  @ApiOkResponse({ type: RedeliveryJobListResponse })
  async list(
    @CurrentCaller() caller: Caller,
    @WebhookId() webhookId: string,
    @Query() query: PageQuery,
  ): Promise<RedeliveryJobListResponse> {
    const { jobs, total } = await this.jobs.list(caller, webhookId, query);
    return {
      redeliveries: jobs.map((job) => RedeliveryJobResponse.from(job)),
      total,
      pagination: Pagination.of(query, total),
    };
  }

  @Get('redeliveries/:job_id')
  @RequireScopes('deliveries:read')
  @ApiOperation({ operationId: 'getRedelivery', summary: 'Get a bulk redelivery and how far it has come' })
  @ApiParam({ name: 'job_id', type: String })
  @ApiOkResponse({ type: RedeliveryJobResponse })
  async get(
    @CurrentCaller() caller: Caller,
    @WebhookId() webhookId: string,
    @JobId() jobId: string,
  ): Promise<RedeliveryJobResponse> {
    return RedeliveryJobResponse.from(await this.jobs.read(caller, webhookId, jobId));
  }

  @Delete('redeliveries/:job_id')
  @RequireScopes('deliveries:write')
  @ApiOperation({
    operationId: 'cancelRedelivery',
    summary: 'Cancel a bulk redelivery',
    description: 'The deliveries it has made go on. One that ended before is answered as it is.',
  })
  @ApiParam({ name: 'job_id', type: String })
  @ApiOkResponse({ type: RedeliveryJobResponse })
  async cancel(
    @CurrentCaller() caller: Caller,
    @WebhookId() webhookId: string,
    @JobId() jobId: string,
  ): Promise<RedeliveryJobResponse> {
    return RedeliveryJobResponse.from(await this.jobs.cancel(caller, webhookId, jobId));
  }
}
