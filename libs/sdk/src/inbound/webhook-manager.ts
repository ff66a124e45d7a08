import type { IncomingMessage, ServerResponse } from 'node:http';
import { setTimeout as delay } from 'node:timers/promises';
import type { FastifyPluginAsync } from 'fastify';
import { createAddressGuard } from '#delivery-client/address-guard';
import { createDeliveryClient, type DeliveryClient } from '#delivery-client/delivery-client';
import { AppError } from '#kernel/app-error';
import { formatId, newUuid } from '#kernel/ids';
import { appErrorAnswer, shownResponse } from './answers';
import { Channels } from './channels';
import { openParts, type ManagerParts } from './manager-parts';
import { fastifyPlugin } from './mount/fastify-plugin';
import { nodeHandler, type NextFunction } from './mount/node-handler';
import { readOptions, type ReadOptions } from './read-options';
import type { Receipt } from './receipt';
import { listRecords, listRequests } from './storage/requests.queries';
import { listRuns } from './storage/runs.queries';
import { createTextSeal } from './text-seal';
import { actionResult, logEntry, readLogQuery } from './shown';
import { testRequest, toRequest } from './to-request';
import type {
  ActionInfo,
  LogEntry,
  LogQuery,
  NewWebhook,
  ReceivedWebhook,
  WebhookAction,
  WebhookAnswer,
  WebhookHandler,
  WebhookInfo,
  WebhookManagerOptions,
  WebhookResult,
  WebhookSettings,
} from './webhook-types';

const DEFAULT_LOG_LIMIT = 50;
const TEST_WAIT_MS = 5_000;
const TEST_LOOK_MS = 20;
const CLOSE_GRACE_MS = 10_000;
/** URLs come from the application's own code, not from strangers: it may call its neighbours. */
const EVERYWHERE = ['0.0.0.0/0', '::/0'];

/** Inbound webhooks within an application; see {@link createWebhookManager}. */
export class WebhookManager {
  /** For `http.createServer`, and as middleware of Express, Connect and NestJS: before anything parses bodies. */
  readonly handler: (request: IncomingMessage, response: ServerResponse, next?: NextFunction) => void;
  /** For `fastify.register`. */
  readonly fastify: FastifyPluginAsync;

  private readonly options: ReadOptions;
  private readonly http: DeliveryClient;
  private readonly handlers = new Map<string, WebhookHandler>();
  private readonly opened: Promise<ManagerParts>;

  /** @throws AppError 400 for options that are wrong; a storage that cannot be opened fails the first call. */
  constructor(options: WebhookManagerOptions) {
    this.options = readOptions(options);
    const seal = createTextSeal(this.options.encryptionKey);
    const channels = new Channels(options.channels ?? {}, options.defaultChannel, process.env);
    const guard = createAddressGuard({ allowedCidrs: EVERYWHERE, requireHttps: false });
    this.http = createDeliveryClient({ guard });
    this.opened = openParts(this.options, { seal, channels, http: this.http, handlers: this.handlers });
    this.opened.catch(() => undefined); // whoever calls first is told
    const mounted = {
      path: this.options.path,
      basePath: new URL(this.options.baseUrl).pathname.replace(/\/$/, ''),
      maxBodyBytes: this.options.maxBodyBytes,
      trusted: this.options.trusted,
      receive: (name: string, request: ReceivedWebhook) => this.receive(name, request),
      warn: this.options.warn,
    };
    this.handler = nodeHandler(mounted);
    this.fastify = fastifyPlugin(mounted);
  }

  /**
   * Creates a webhook. One of the same name that was created with the very same settings is answered as it is, so that
   * an application may create its webhooks whenever it starts.
   * @throws AppError 400 for what is wrong, 409 for another one of that name.
   */
  async create(webhook: NewWebhook): Promise<WebhookInfo> {
    return (await this.opened).webhooks.create(webhook);
  }

  /** @throws AppError 404. */
  async get(name: string): Promise<WebhookInfo> {
    return (await this.opened).webhooks.get(name);
  }

  async list(): Promise<WebhookInfo[]> {
    return (await this.opened).webhooks.list();
  }

  /** Changes what is given; undefined goes back to the default. @throws AppError 400, 404, 409. */
  async update(name: string, changes: WebhookSettings): Promise<WebhookInfo> {
    return (await this.opened).webhooks.update(name, changes);
  }

  /** Deletes a webhook, its log, its records, and what still waits to be done. @throws AppError 404. */
  async delete(name: string): Promise<void> {
    return (await this.opened).webhooks.delete(name);
  }

  /**
   * Gives a webhook a new secret.
   * @param overlapSeconds how long the old one goes on being valid, at most 30 days; not at all unless given.
   * @throws AppError 400, 404, 409.
   */
  async regenerate(name: string, secret: { secret?: string; overlapSeconds?: number } = {}): Promise<WebhookInfo> {
    return (await this.opened).webhooks.regenerate(name, secret);
  }

  /**
   * Registers the handler of a webhook in this process: what it returns is the HTTP response, and what it throws is
   * answered with 500, nothing kept, so that the sender's next try begins anew.
   * @returns takes it back.
   * @throws Error when there is one already.
   */
  onReceive(name: string, handler: WebhookHandler): () => void {
    if (typeof handler !== 'function') throw new TypeError('onReceive: the handler must be a function');
    if (this.handlers.has(name)) throw new Error(`onReceive: ${name} has a handler already`);
    this.handlers.set(name, handler);
    return () => {
      if (this.handlers.get(name) === handler) this.handlers.delete(name);
    };
  }

  /**
   * Adds an action, which runs for each request that is accepted. Adding the same action again changes nothing. One with
   * functions belongs to this process: add it whenever the application starts.
   * @throws AppError 400, 404.
   */
  async addAction(name: string, action: WebhookAction): Promise<ActionInfo> {
    return (await this.opened).actions.add(name, action);
  }

  /** What still waits for it is skipped. @throws AppError 404. */
  async removeAction(name: string, actionId: string): Promise<void> {
    return (await this.opened).actions.remove(name, actionId);
  }

  /** The newest requests first. @throws AppError 400, 404. */
  async getLogs(name: string, query: LogQuery = {}): Promise<LogEntry[]> {
    const filter = readLogQuery(query, this.options.maxLogEntries);
    const { database, endpoints } = await this.opened;
    const endpoint = await endpoints.get(name);
    const rows = await listRequests(database.query, endpoint.row.id, filter);
    return Promise.all(
      rows.map(async (row) =>
        logEntry(endpoint, row, await listRuns(database.query, row.id), this.options.logPayloads),
      ),
    );
  }

  /** What `log` actions wrote to a table, the newest first. @throws AppError 404. */
  async getRecords(
    name: string,
    table: string,
    { limit = DEFAULT_LOG_LIMIT } = {},
  ): Promise<{ requestId: string; data: unknown; createdAt: string }[]> {
    const { database, endpoints } = await this.opened;
    const { row } = await endpoints.get(name);
    const records = await listRecords(database.query, row.id, table, limit);
    return records.map(({ request_id, data, created_at }) => ({
      requestId: request_id,
      data: JSON.parse(data) as unknown,
      createdAt: new Date(created_at).toISOString(),
    }));
  }

  /**
   * Signs a payload as a sender would and takes it the way of every request; waits a few seconds for its actions.
   * @param payload by default one that the schema's examples and types make.
   * @throws AppError 404, 503.
   */
  async test(name: string, payload?: unknown): Promise<WebhookResult> {
    const { database, endpoints, receiver } = await this.opened;
    const endpoint = await endpoints.get(name);
    const request = testRequest(endpoint, payload, new Date());
    const receipt = await receiver.receive(name, request, true);
    const untilMs = Date.now() + TEST_WAIT_MS;
    let runs = await listRuns(database.query, receipt.id);
    while (runs.some(({ status }) => status === 'waiting' || status === 'running') && Date.now() < untilMs) {
      await delay(TEST_LOOK_MS);
      runs = await listRuns(database.query, receipt.id);
    }
    return { ...resultOf(receipt), actions: runs.map(actionResult) };
  }

  /** Takes a request from any framework: answer with what it gives back. Never rejects. */
  async receive(name: string, request: ReceivedWebhook): Promise<WebhookAnswer> {
    const receivedAt = new Date();
    try {
      const { receiver } = await this.opened;
      return (await receiver.receive(name, toRequest(request, receivedAt))).answer;
    } catch (error) {
      const id = formatId('req', newUuid(receivedAt.getTime()));
      if (error instanceof AppError) return appErrorAnswer(error, id);
      this.options.warn({ webhook: name, error: String(error) }, 'a webhook request could not be taken');
      return appErrorAnswer(
        new AppError(503, 'unavailable', 'The storage is not available', { retryAfterSeconds: 1 }),
        id,
      );
    }
  }

  /** Lets actions under way finish for up to ten seconds, and closes the storage; what is not finished waits there. */
  async close(): Promise<void> {
    const opened = await this.opened.catch(() => null);
    await opened?.worker.stop(CLOSE_GRACE_MS);
    await this.http.close(0);
    await opened?.database.close();
  }
}

/**
 * Inbound webhooks within an application, by the rules and actions of the service: `create` a webhook, mount `handler`,
 * and what is posted to its URL is verified, filtered, handled and acted on.
 */
export function createWebhookManager(options: WebhookManagerOptions): WebhookManager {
  return new WebhookManager(options);
}

function resultOf({ id, status, verdict, answer }: Receipt): Omit<WebhookResult, 'actions'> {
  const { statusCode } = answer;
  return { id: formatId('req', id), status, statusCode, response: shownResponse(answer), steps: verdict.steps };
}
