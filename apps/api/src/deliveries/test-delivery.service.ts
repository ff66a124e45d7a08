import { Inject, Injectable } from '@nestjs/common';
import type { EntityManager } from 'typeorm';
import { SECRET_BOX } from '#database/database.module';
import type { WebhookEntity } from '#database/entities/webhook.entity';
import type { SecretBox } from '#database/secret-box';
import { TenantDatabase } from '#database/tenant-database';
import { toWebhookTarget, type WebhookTarget } from '#database/webhook-target';
import type { DeliveryClient } from '#delivery-client/delivery-client';
import { AppError, conflict, unavailable } from '#kernel/app-error';
import { formatId, newUuid, uuidTimeMs } from '#kernel/ids';
import { formatInstant } from '#kernel/instants';
import { deliveryBody, deliveryHeaders } from '#webhook-rules/delivery-request';
import { failureClassOf } from '#webhook-rules/outcome';
import type { Caller } from '../caller/caller';
import { DELIVERY_CLIENT } from '../sending/sending.module';
import { findWebhook, readTarget } from '../webhooks/webhooks.queries';
import {
  findDelivery,
  readContents,
  type DeliveryContentRow,
  type DeliveryRow,
} from '../delivery-history/history.queries';
import { noteRequestKey } from './request-keys.queries';
import { countTest } from './test-windows.queries';
import { insertTest } from './write-history.queries';

const DEFAULT_TESTS_PER_MINUTE = 60;
/** Longer than any attempt may take: a test of which nothing is known then was lost with its process. */
const LOST_AFTER_MS = 120_000;

/** A test that is wanted. */
export interface WantedTest {
  eventType: string;
  version: string;
  /** JSON, sent as it stands. */
  data: Buffer;
  idempotencyKey: string | null;
}

/** A test as the history has it. */
export interface TestResult {
  delivery: DeliveryRow;
  content: DeliveryContentRow | undefined;
  webhookUrl: string;
  /** What the webhook may still send this minute; null for an answer that was given before. */
  limit: TestLimit | null;
}

export interface TestLimit {
  perMinute: number;
  left: number;
  secondsLeft: number;
}

/** Sends test deliveries at once, as deliveries are sent: signed, through the vetting client, in one attempt. */
@Injectable()
export class TestDeliveryService {
  constructor(
    @Inject(TenantDatabase) private readonly database: TenantDatabase,
    @Inject(SECRET_BOX) private readonly box: SecretBox,
    @Inject(DELIVERY_CLIENT) private readonly client: DeliveryClient,
  ) {}

  /**
   * Also for an inactive webhook; the same idempotency key sends one only.
   * @throws AppError 404; 409 while a test of the same key is under way; 422 for a key used with another content; 429
   *   beyond the webhook's tests per minute; 503 when the process stops meanwhile.
   */
  async send(caller: Caller, webhookId: string, wanted: WantedTest): Promise<TestResult> {
    const { tenantId } = caller;
    const id = newUuid(Date.now());
    const begun = await this.database.run(tenantId, async (manager) => {
      const webhook = await findWebhook(manager, caller, webhookId);
      const earlier = await this.findEarlier(manager, webhook, id, wanted);
      if (earlier !== null) return { webhook, earlier, limit: null };
      const limit = await this.countOrRefuse(manager, caller, webhookId);
      return { webhook, row: await readTarget(manager, tenantId, webhookId), limit };
    });
    const { webhook, limit } = begun;
    const known =
      'earlier' in begun ? begun.earlier : await this.sendAndKeep(toWebhookTarget(begun.row, this.box), id, wanted);
    return { ...known, webhookUrl: webhook.url, limit };
  }

  /** The test that was sent under the same key before, or null when there is none. */
  private async findEarlier(
    manager: EntityManager,
    { id: webhookId, tenantId }: WebhookEntity,
    id: string,
    { idempotencyKey, eventType, data }: WantedTest,
  ): Promise<Pick<TestResult, 'delivery' | 'content'> | null> {
    if (idempotencyKey === null) return null;
    const content = [webhookId, eventType, '\n', data];
    const request = { kind: 'test', key: idempotencyKey, content, madeId: id } as const;
    const firstId = await noteRequestKey(manager, tenantId, request);
    if (firstId === id) return null;
    const delivery = await findDelivery(manager, tenantId, webhookId, firstId);
    if (delivery !== null) return withContent(manager, tenantId, delivery);
    if (uuidTimeMs(firstId) + LOST_AFTER_MS > Date.now()) {
      throw conflict('test_under_way', 'A test with this Idempotency-Key is under way');
    }
    return null;
  }

  private async countOrRefuse(manager: EntityManager, caller: Caller, webhookId: string): Promise<TestLimit> {
    const perMinute = caller.limits.tests_per_minute ?? DEFAULT_TESTS_PER_MINUTE;
    const { sent, secondsLeft } = await countTest(manager, caller.tenantId, webhookId);
    const limit = { perMinute, left: Math.max(0, perMinute - sent), secondsLeft };
    if (sent <= perMinute) return limit;
    throw new AppError(429, 'too_many_tests', `The webhook may be tested ${perMinute} times a minute`, {
      retryAfterSeconds: secondsLeft,
      headers: rateLimitHeaders(limit),
    });
  }

  private async sendAndKeep(
    target: WebhookTarget,
    id: string,
    { eventType, version, data }: WantedTest,
  ): Promise<Pick<TestResult, 'delivery' | 'content'>> {
    const { tenantId, url, timeoutMs, allowedCidrs } = target;
    const startedAtMs = Date.now();
    // A test has a payload but no event: it was not published, and no other webhook is to hear of it.
    const eventId = newUuid(startedAtMs);
    const content = {
      eventType,
      timestamp: formatInstant(uuidTimeMs(eventId)),
      webhookId: target.publicId,
      deliveryId: formatId('del_test', id),
      eventId: formatId('event', eventId),
      version,
      data,
    };
    const body = deliveryBody(content);
    const headers = deliveryHeaders(content, body, target.keys, target.headers, startedAtMs);
    const result = await this.client.send({ url, headers, body, timeoutMs, allowedCidrs });
    const failure = failureClassOf(result.outcome);
    if (failure === 'interrupted') throw unavailable('The service is being restarted; please try again', 1);
    const test = {
      id,
      webhookId: target.id,
      eventId,
      eventType,
      data,
      isDelivered: failure === null,
      startedAtMs,
      endedAtMs: Date.now(),
      durationMs: result.durationMs,
      statusCode: result.statusCode,
      errorClass: failure,
      error: result.error,
      responseBody: result.responseBody,
      responseTruncated: result.responseTruncated,
    };
    return this.database.run(tenantId, async (manager) => {
      await insertTest(manager, tenantId, test);
      const delivery = await findDelivery(manager, tenantId, target.id, id);
      if (delivery === null) throw new Error('A test that was just written is not there');
      return withContent(manager, tenantId, delivery);
    });
  }
}

/** Limit, what is left of it and seconds until it is whole again. */
export function rateLimitHeaders({ perMinute, left, secondsLeft }: TestLimit): Record<string, string> {
  return {
    'ratelimit-limit': String(perMinute),
    'ratelimit-remaining': String(left),
    'ratelimit-reset': String(secondsLeft),
  };
}

async function withContent(
  manager: EntityManager,
  tenantId: string,
  delivery: DeliveryRow,
): Promise<Pick<TestResult, 'delivery' | 'content'>> {
  const contents = await readContents(manager, tenantId, [delivery]);
  return { delivery, content: contents.get(delivery.id) };
}
