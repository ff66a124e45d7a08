import { Body, Controller, Get, HttpCode, Param, Post, Query } from '@nestjs/common';
import { ApiGoneResponse, ApiNotFoundResponse, ApiOkResponse, ApiOperation, ApiParam, ApiTags } from '@nestjs/swagger';
import { formatId } from '#kernel/ids';
import type { StepResult } from '#inbound-rules/verdict';
import { CurrentCaller, type Caller } from '../caller/caller';
import { ErrorResponse } from '../http/error-response';
import { RequireScopes } from '../caller/require-scopes';
import { LogQuery, RecordsQuery } from './dto/log.query';
import { LoggedRequestResponse, LogResponse, RecordListResponse, RunResponse } from './dto/log.response';
import { TestEndpointDto, TestResultResponse } from './dto/test.dto';
import { EndpointParam, RequestParam } from './endpoint-param';
import { EndpointReader } from './endpoint-reader';
import { OwnRequestsService, type OwnResult } from './own-requests.service';
import { shownBody } from './shown-body';

@ApiTags('Inbound')
@ApiParam({ name: 'endpoint', type: String })
@ApiNotFoundResponse({ type: ErrorResponse })
@Controller('api/inbound/:endpoint')
export class InboundLogsController {
  constructor(
    private readonly reader: EndpointReader,
    private readonly own: OwnRequestsService,
  ) {}

  @Post('test')
  @HttpCode(200)
  @RequireScopes('inbound:write')
  @ApiOperation({
    operationId: 'testInbound',
    summary: 'Send an inbound endpoint a request, signed as its sender would',
    description: 'It goes the way of every request, the actions included, and the answer says what each step did.',
  })
  @ApiOkResponse({ type: TestResultResponse })
  async test(
    @CurrentCaller() caller: Caller,
    @EndpointParam() endpoint: string,
    @Body() body: TestEndpointDto,
  ): Promise<TestResultResponse> {
    return toResponse(await this.own.test(caller, endpoint, body.payload, body.dry_run ?? false));
  }

  @Get('logs')
  @RequireScopes('inbound:read')
  @ApiOperation({
    operationId: 'readInboundLog',
    summary: 'Read what an inbound endpoint received, newest first',
    description: 'The newest `max_log_entries` are kept; rejected requests are there in debug mode only.',
  })
  @ApiOkResponse({ type: LogResponse })
  log(
    @CurrentCaller() caller: Caller,
    @EndpointParam() endpoint: string,
    @Query() query: LogQuery,
  ): Promise<LogResponse> {
    return this.reader.log(caller, endpoint, query);
  }

  @Get('logs/:request_id')
  @RequireScopes('inbound:read')
  @ApiParam({ name: 'request_id', type: String })
  @ApiOperation({ operationId: 'readInboundRequest', summary: 'Read one request that an inbound endpoint received' })
  @ApiOkResponse({ type: LoggedRequestResponse })
  logged(
    @CurrentCaller() caller: Caller,
    @EndpointParam() endpoint: string,
    @RequestParam() requestId: string,
  ): Promise<LoggedRequestResponse> {
    return this.reader.logged(caller, endpoint, requestId);
  }

  @Post('logs/:request_id/replay')
  @HttpCode(200)
  @RequireScopes('inbound:write')
  @ApiParam({ name: 'request_id', type: String })
  @ApiOperation({
    operationId: 'replayInbound',
    summary: 'Receive a logged request once more',
    description:
      'By the endpoint and actions as they are now. Signature, address and repetition are not checked again: whoever replays it answers for it.',
  })
  @ApiOkResponse({ type: TestResultResponse })
  @ApiGoneResponse({ description: 'Its body is no longer kept', type: ErrorResponse })
  async replay(
    @CurrentCaller() caller: Caller,
    @EndpointParam() endpoint: string,
    @RequestParam() requestId: string,
  ): Promise<TestResultResponse> {
    return toResponse(await this.own.replay(caller, endpoint, requestId));
  }

  @Get('records/:table')
  @RequireScopes('inbound:read')
  @ApiParam({ name: 'table', type: String })
  @ApiOperation({ operationId: 'readInboundRecords', summary: 'Read what log actions wrote to a table, newest first' })
  @ApiOkResponse({ type: RecordListResponse })
  records(
    @CurrentCaller() caller: Caller,
    @EndpointParam() endpoint: string,
    @Param('table') table: string,
    @Query() query: RecordsQuery,
  ): Promise<RecordListResponse> {
    return this.reader.records(caller, endpoint, table, query);
  }
}

function toResponse({ requestId, verdict, body, runs, answer }: OwnResult): TestResultResponse {
  return {
    request_id: requestId === null ? null : formatId('req', requestId),
    status: verdict.outcome,
    code: verdict.code,
    steps: verdict.steps.map((step: StepResult) => ({ ...step })),
    payload: shownBody({ body_bytes: body.length }, body).payload,
    actions: runs.map((run) => RunResponse.from(run)),
    response: { status: answer.status, headers: answer.headers, body: answer.body },
  };
}
