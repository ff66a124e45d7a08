import type { IncomingMessage, ServerResponse } from 'node:http';
import { setTimeout as delay } from 'node:timers/promises';
import type { FastifyPluginAsync } from 'fastify';
import { createAddressGuard } from '#delivery-client/address-guard';
import { createDeliveryClient, type DeliveryClient } from '#delivery-client/delivery-client';
import { AppError, conflict, notFound } from '#kernel/app-error';
import { formatId, newUuid, parseId } from '#kernel/ids';
import { readAction } from './action-definition';
import { EmbeddedPorts } from './action-ports';
import { ActionWorker } from './action-worker';
import { appErrorAnswer, shownResponse } from './answers';
import { hashOf } from './canonical-json';
import { Channels, mailServerOf } from './channels';
import {
  readDefinition,
  secretsContext,
  shownSettings,
  type DefinitionDefaults,
  type Endpoint,
  type StoredSecret,
} from './endpoint-definition';
import { EndpointStore } from './endpoint-store';
import { fastifyPlugin } from './mount/fastify-plugin';
import { nodeHandler, type NextFunction } from './mount/node-handler';
import { readOptions, type ReadOptions } from './read-options';
import { Receiver, type Receipt } from './receive';
import { openStorage } from './storage/open-storage';
import {
  deleteAction,
  deleteEndpoint,
  insertAction,
  insertEndpoint,
  updateEndpoint,
} from './storage/endpoints.queries';
import { listRecords, listRequests } from './storage/requests.queries';
import { listRuns } from './storage/runs.queries';
import type { SqlDatabase } from './storage/sql-database';
import { createTextSeal, type TextSeal } from './text-seal';
import { newSecret, rotated } from './secrets';
import { actionInfo, actionResult, logEntry, readLogQuery } from './shown';
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

/** What is there once the storage is open. */
interface Opened {
  database: SqlDatabase;
  endpoints: EndpointStore;
  receiver: Receiver;
  worker: ActionWorker;
}

/** Inbound webhooks within an application; see {@link createWebhookManager}. */
export class WebhookManager {
  /** For `http.createServer`, and as middleware of Express, Connect and NestJS: before anything parses bodies. */
  readonly handler: (request: IncomingMessage, response: ServerResponse, next?: NextFunction) => void;
  /** For `fastify.register`. */
  readonly fastify: FastifyPluginAsync;

  private readonly options: ReadOptions;
  private readonly seal: TextSeal;
  private readonly channels: Channels;
  private readonly http: DeliveryClient;
  private readonly handlers = new Map<string, WebhookHandler>();
  private readonly opened: Promise<Opened>;

  /** @throws AppError 400 for options that are wrong; a storage that cannot be opened fails the first call. */
  constructor(options: WebhookManagerOptions) {
    this.options = readOptions(options);
    this.seal = createTextSeal(this.options.encryptionKey);
    this.channels = new Channels(options.channels ?? {}, options.defaultChannel, process.env);
    const guard = createAddressGuard({ allowedCidrs: EVERYWHERE, requireHttps: false });
    this.http = createDeliveryClient({ guard });
    this.opened = this.open();
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
    const { database, endpoints } = await this.opened;
    const definition = readDefinition(webhook, this.definitionDefaults());
    const { name, secret } = webhook;
    const id = newUuid(Date.now());
    const definitionHash = hashOf({ definition, secret: secret ?? null });
    const present = secret ?? this.options.defaultSecret ?? newSecret();
    const isNew = await insertEndpoint(database.query, {
      id,
      name,
      definition: JSON.stringify(definition),
      definition_hash: definitionHash,
      secrets: this.sealSecrets(id, [{ secret: present, valid_until: null }]),
      created_at: Date.now(),
    });
    const endpoint = await endpoints.find(name);
    if (endpoint === null) throw notFound('Webhook');
    if (!isNew && endpoint.row.definition_hash !== definitionHash) {
      throw conflict('webhook_exists', `There is a webhook ${name} with other settings: update it, or delete it first`);
    }
    return this.info(endpoint);
  }

  /** @throws AppError 404. */
  async get(name: string): Promise<WebhookInfo> {
    return this.info(await this.endpoint(name));
  }

  async list(): Promise<WebhookInfo[]> {
    const { endpoints } = await this.opened;
    return Promise.all((await endpoints.list()).map((endpoint) => this.info(endpoint)));
  }

  /** Changes what is given; undefined goes back to the default. @throws AppError 400, 404, 409. */
  async update(name: string, changes: WebhookSettings): Promise<WebhookInfo> {
    const endpoint = await this.endpoint(name);
    const settings: WebhookSettings = { ...shownSettings(endpoint.definition), ...changes };
    const definition = readDefinition({ ...settings, name }, this.definitionDefaults());
    return this.change(endpoint, JSON.stringify(definition), endpoint.secrets);
  }

  /** Deletes a webhook, its log, its records, and what still waits to be done. @throws AppError 404. */
  async delete(name: string): Promise<void> {
    const { database, endpoints } = await this.opened;
    const { row } = await this.endpoint(name);
    if (!(await database.transaction((query) => deleteEndpoint(query, name)))) throw notFound('Webhook');
    endpoints.forget(row.id);
  }

  /**
   * Gives a webhook a new secret.
   * @param overlapSeconds how long the old one goes on being valid, at most 30 days; not at all unless given.
   * @throws AppError 400, 404, 409.
   */
  async regenerate(
    name: string,
    { secret, overlapSeconds = 0 }: { secret?: string; overlapSeconds?: number } = {},
  ): Promise<WebhookInfo> {
    const endpoint = await this.endpoint(name);
    const secrets = rotated(endpoint.secrets, { secret, overlapSeconds }, Date.now());
    return this.change(endpoint, endpoint.row.definition, secrets);
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
    const { database, endpoints, worker } = await this.opened;
    const { row } = await this.endpoint(name);
    const read = readAction(row.id, action);
    const forwards = read.type === 'forward' && 'url' in read.settings && !('secret' in read.settings);
    const secret = forwards ? { secret: newSecret() } : {};
    const definition = { ...read, settings: { ...read.settings, ...secret } };
    if (definition.functions === null) {
      const context = EndpointStore.settingsContext(row.id, read.id);
      await insertAction(database.query, {
        endpoint_id: row.id,
        id: read.id,
        type: read.type,
        settings: this.seal.seal(JSON.stringify(definition.settings), context),
        condition: read.condition,
        retry_policy: read.retryPolicy === null ? null : JSON.stringify(read.retryPolicy),
      });
    } else {
      endpoints.register(row.id, definition);
      worker.kick();
    }
    return actionInfo((await endpoints.findAction(row.id, read.id)) ?? definition);
  }

  /** What still waits for it is skipped. @throws AppError 404. */
  async removeAction(name: string, actionId: string): Promise<void> {
    const { database, endpoints } = await this.opened;
    const { row } = await this.endpoint(name);
    const id = parseId('act', actionId);
    const wasFunction = id !== null && endpoints.unregister(row.id, id);
    const wasStored =
      id !== null && (await database.transaction((query) => deleteAction(query, row.id, id, Date.now())));
    if (!wasFunction && !wasStored) throw notFound('Action');
  }

  /** The newest requests first. @throws AppError 400, 404. */
  async getLogs(name: string, query: LogQuery = {}): Promise<LogEntry[]> {
    const filter = readLogQuery(query, this.options.maxLogEntries);
    const { database } = await this.opened;
    const endpoint = await this.endpoint(name);
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
    const { database } = await this.opened;
    const { row } = await this.endpoint(name);
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
    const { database, receiver } = await this.opened;
    const endpoint = await this.endpoint(name);
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

  private async open(): Promise<Opened> {
    const { options, handlers } = this;
    const database = await openStorage(options);
    const endpoints = new EndpointStore(database.query, this.seal, this.definitionDefaults());
    const mail = options.mail ?? mailServerOf(process.env);
    const ports = new EmbeddedPorts(
      database.query,
      this.http,
      this.channels,
      mail,
      options.telegramBaseUrl,
      options.publisher,
    );
    const { warn, concurrency, logPayloads, maxLogEntries } = options;
    const worker = new ActionWorker({ database, endpoints, ports, concurrency, warn });
    const accepted = (): void => {
      worker.kick();
    };
    const receiver = new Receiver({ database, endpoints, handlers, logPayloads, maxLogEntries, accepted, warn });
    return { database, endpoints, receiver, worker };
  }

  private definitionDefaults(): DefinitionDefaults {
    const { validateSignatures, maxBodyBytes } = this.options;
    return { validateSignatures, maxBodyBytes };
  }

  private async endpoint(name: string): Promise<Endpoint> {
    const { endpoints } = await this.opened;
    const endpoint = await endpoints.find(name);
    if (endpoint === null) throw notFound('Webhook');
    return endpoint;
  }

  private async change(endpoint: Endpoint, definition: string, secrets: readonly StoredSecret[]): Promise<WebhookInfo> {
    const { database } = await this.opened;
    const { id, name, version } = endpoint.row;
    const row = { id, version, definition, secrets: this.sealSecrets(id, secrets) };
    if (!(await updateEndpoint(database.query, row))) {
      throw conflict('webhook_changed', 'The webhook was changed meanwhile; please try again');
    }
    return this.get(name);
  }

  private sealSecrets(id: string, secrets: readonly StoredSecret[]): string {
    return this.seal.seal(JSON.stringify(secrets), secretsContext(id));
  }

  private async info({ row, definition, secrets }: Endpoint): Promise<WebhookInfo> {
    const { endpoints } = await this.opened;
    return {
      ...shownSettings(definition),
      id: formatId('inb', row.id),
      name: row.name,
      description: definition.description ?? '',
      url: `${this.options.baseUrl}${this.options.path}/${row.name}`,
      secret: secrets[0]?.secret ?? '',
      createdAt: new Date(row.created_at).toISOString(),
      triggerCount: row.trigger_count,
      lastTrigger: row.last_trigger_at === null ? null : new Date(row.last_trigger_at).toISOString(),
      actions: (await endpoints.actionsOf(row.id)).map(actionInfo),
    };
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
