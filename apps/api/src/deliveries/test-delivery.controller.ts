import { Body, Controller, Headers, HttpCode, Inject, Post, Res } from '@nestjs/common';
import {
  ApiBadRequestResponse,
  ApiConflictResponse,
  ApiHeader,
  ApiNotFoundResponse,
  ApiOkResponse,
  ApiOperation,
  ApiParam,
  ApiPayloadTooLargeResponse,
  ApiTags,
  ApiTooManyRequestsResponse,
  ApiUnprocessableEntityResponse,
} from '@nestjs/swagger';
import type { FastifyReply } from 'fastify';
import { jsonMembers } from '#accept/json-members';
import { BUILT_IN_VERSION } from '#accept/tenant-event-types';
import { ENVIRONMENT } from '#config/config.module';
import type { Environment } from '#config/environment';
import { AppError, invalidRequest } from '#kernel/app-error';
import { TEST_EVENT_TYPE } from '#webhook-rules/event-types';
import { EventTypeCatalog } from '../event-types/event-type-catalog';
import { CurrentCaller, type Caller } from '../caller/caller';
import { ErrorResponse } from '../http/error-response';
import { BodyLimit } from '../http/fastify-options';
import { IdParam } from '../http/id-param';
import { RawBody } from '../http/raw-body';
import { RequireScopes } from '../caller/require-scopes';
import { TestDeliveryResponse, TestWebhookDto } from './dto/test-delivery.dto';
import { readIdempotencyKey } from './request-keys.queries';
import { rateLimitHeaders, TestDeliveryService } from './test-delivery.service';

/** Room for the other field beside `payload`. */
const ENVELOPE_BYTES = 16_384;
const DEFAULT_PAYLOAD = Buffer.from('{"test":true,"message":"This is a test webhook delivery"}');

@ApiTags('Webhooks')
@Controller('api/webhooks/:webhook_id/test')
export class TestDeliveryController {
  constructor(
    @Inject(TestDeliveryService) private readonly tests: TestDeliveryService,
    @Inject(EventTypeCatalog) private readonly eventTypes: EventTypeCatalog,
    @Inject(ENVIRONMENT) private readonly environment: Environment,
  ) {}

  @Post()
  @HttpCode(200)
  @RequireScopes('deliveries:write')
  @BodyLimit((environment) => Math.max(environment.maxEventBytes, 262_144) + ENVELOPE_BYTES)
  @ApiOperation({
    operationId: 'testWebhook',
    summary: 'Send a test delivery',
    description:
      'Sent at once and in one attempt, signed as every delivery is; also when the webhook is inactive. It is kept in the history and counts in no statistics.',
  })
  @ApiParam({ name: 'webhook_id', type: String })
  @ApiHeader({
    name: 'Idempotency-Key',
    required: false,
    description: 'Asking again under the same key within 24 hours answers with the first test.',
  })
  @ApiOkResponse({ description: 'It was sent; `status` says what came of it', type: TestDeliveryResponse })
  @ApiBadRequestResponse({ description: 'Something in the request is not valid', type: ErrorResponse })
  @ApiNotFoundResponse({ description: 'No such webhook', type: ErrorResponse })
  @ApiConflictResponse({ description: 'A test of the same key is under way', type: ErrorResponse })
  @ApiPayloadTooLargeResponse({ description: 'The payload is too large', type: ErrorResponse })
  @ApiUnprocessableEntityResponse({ description: 'The key was used for another request', type: ErrorResponse })
  @ApiTooManyRequestsResponse({ description: 'Too many tests of this webhook within a minute', type: ErrorResponse })
  async test(
    @CurrentCaller() caller: Caller,
    @IdParam('webhook_id', 'webhook', 'Webhook') webhookId: string,
    @Body() body: TestWebhookDto,
    @RawBody() raw: Buffer,
    @Res({ passthrough: true }) reply: FastifyReply,
    @Headers('Idempotency-Key') idempotencyKey?: string,
  ): Promise<TestDeliveryResponse> {
    const eventType = body.event_type ?? TEST_EVENT_TYPE.name;
    const version = await this.versionOf(caller, eventType);
    const data = body.payload === undefined ? DEFAULT_PAYLOAD : this.payloadOf(caller, raw);
    const key = readIdempotencyKey(idempotencyKey);
    const result = await this.tests.send(caller, webhookId, { eventType, version, data, idempotencyKey: key });
    if (result.limit !== null) void reply.headers(rateLimitHeaders(result.limit));
    return TestDeliveryResponse.from(result);
  }

  private async versionOf(caller: Caller, eventType: string): Promise<string> {
    if (eventType === TEST_EVENT_TYPE.name) return BUILT_IN_VERSION;
    const version = (await this.eventTypes.of(caller)).versionOf(eventType);
    if (version !== null) return version;
    const message = `must be ${TEST_EVENT_TYPE.name} or a known event type; GET /api/event-types lists them`;
    throw invalidRequest([{ field: 'event_type', message }]);
  }

  /** The bytes of `payload`; of one that is given twice the last counts, as with every JSON parser here. */
  private payloadOf({ limits }: Caller, raw: Buffer): Buffer {
    const { start, end } = jsonMembers(raw).findLast((member) => member.key === 'payload') ?? { start: 0, end: 0 };
    const maxBytes = limits.max_event_bytes ?? this.environment.maxEventBytes;
    if (end - start <= maxBytes) return raw.subarray(start, end);
    const message = `must have at most ${maxBytes} bytes`;
    throw new AppError(413, 'payload_too_large', `payload: ${message}`, { details: [{ field: 'payload', message }] });
  }
}
