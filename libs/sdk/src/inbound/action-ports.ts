import type { DeliveryClient } from '#delivery-client/delivery-client';
import type { ActionFunction } from '#inbound-actions/action-functions';
import { failedForGood, succeeded, type ActionOutcome, type ActionRun } from '#inbound-actions/action-run';
import type { ActionPorts } from '#inbound-actions/execute-action';
import { httpOutcome } from '#inbound-actions/http-callback';
import { ChannelPauses } from '#inbound-actions/notify/channel-pauses';
import type { MailServer } from '#inbound-actions/notify/send-mail';
import { storableResult } from '#inbound-actions/storable-result';
import { deliveryUuid, formatId } from '#kernel/ids';
import { formatInstant } from '#kernel/instants';
import { deliveryBody, deliveryHeaders } from '#webhook-rules/delivery-request';
import { standardKey } from '#webhook-rules/signature';
import { PublishError } from '../publish-error';
import type { Publisher } from '../publisher';
import type { Channels } from './channels';
import { insertRecord, trimRecords } from './storage/requests.queries';
import type { Query } from './storage/sql-database';

/** What forwarded data is to its receiver, as in the service. */
const FORWARD_EVENT_TYPE = 'inbound.received';
const FORWARD_VERSION = '1';
const FORWARD_TIMEOUT_SECONDS = 30;

/** What the executors of the service act through when they run within an application. */
export class EmbeddedPorts {
  private readonly pauses = new ChannelPauses();

  constructor(
    private readonly query: Query,
    private readonly http: DeliveryClient,
    private readonly channels: Channels,
    private readonly mail: MailServer | null,
    private readonly telegramBaseUrl: string,
    private readonly publisher: Publisher | null,
  ) {}

  /** @param called the function of the action, if it has one. */
  for(actionId: string, settings: Readonly<Record<string, unknown>>, called: ActionFunction | null): ActionPorts {
    return {
      http: this.http,
      functions: new Map(called === null ? [] : [[actionId, called]]),
      commands: null,
      mail: this.mail,
      telegramBaseUrl: this.telegramBaseUrl,
      pauses: this.pauses,
      channels: (_tenantId, names) => Promise.resolve(this.channels.find(names)),
      forward: (run, data) => this.forward(actionId, settings, run, data),
      publish: (run, event) => this.publish(run, event),
      record: (run, table, data, maxRecords) => this.record(run, table, data, maxRecords),
    };
  }

  /** The request that the delivery engine of the service would send: the same body, headers and signatures. */
  private async forward(
    actionId: string,
    settings: Readonly<Record<string, unknown>>,
    run: ActionRun,
    data: unknown,
  ): Promise<ActionOutcome> {
    const { url, secret, headers, timeout } = settings as {
      url: string;
      secret: string;
      headers?: Record<string, string>;
      timeout?: number;
    };
    const content = {
      eventType: FORWARD_EVENT_TYPE,
      timestamp: formatInstant(run.receivedAt.getTime()),
      webhookId: formatId('webhook', actionId),
      deliveryId: formatId('del', deliveryUuid(run.id, actionId)),
      eventId: formatId('event', run.id),
      version: FORWARD_VERSION,
      data: Buffer.from(JSON.stringify(data ?? null)),
    };
    const body = deliveryBody(content);
    const keys = { secrets: [{ secret, standardKey: standardKey(secret), expiresAtMs: null }], privateKeys: [] };
    const result = await this.http.send({
      url,
      headers: deliveryHeaders(content, body, keys, headers ?? {}, Date.now()),
      body,
      timeoutMs: (timeout ?? FORWARD_TIMEOUT_SECONDS) * 1_000,
    });
    return httpOutcome(result, { delivery_id: content.deliveryId, status: result.statusCode });
  }

  private async publish(
    run: ActionRun,
    { type, projectId, data }: { type: string; projectId: string | null; data: unknown },
  ): Promise<ActionOutcome> {
    if (this.publisher === null) return failedForGood('Nothing to publish events with: give the manager a publisher');
    if (typeof data !== 'object' || data === null) {
      return failedForGood('The data of an event must be a JSON object; a mapping can make one');
    }
    try {
      const published = await this.publisher.publish({
        event: type,
        data,
        projectId: projectId ?? undefined,
        timestamp: run.receivedAt,
        // The same run publishes one event only, however often it is begun.
        idempotencyKey: `inbound:${run.id}`,
      });
      return succeeded({ event: type, event_id: published.eventId });
    } catch (error) {
      if (!(error instanceof PublishError)) throw error;
      const isFinal = error.status !== null && error.status < 500 && error.status !== 429;
      return { kind: 'failed', error: error.message, isFinal, retryAfterMs: 0 };
    }
  }

  private async record(run: ActionRun, table: string, data: unknown, maxRecords: number): Promise<ActionOutcome> {
    await insertRecord(this.query, {
      id: run.id,
      endpointId: run.endpointId,
      table,
      requestId: run.context.metadata.id,
      data: storableResult(data),
      createdAtMs: Date.now(),
    });
    await trimRecords(this.query, run.endpointId, table, maxRecords);
    return succeeded({ table });
  }
}
