import type { ChannelSettings } from '#inbound-rules/notify/channel-settings';
import type { StepResult } from '#inbound-rules/verdict';
import type { Publisher } from '../publisher';

/** A payload: JSON, a form's fields, XML as an object, or text. Whoever wants more than that gives the endpoint a schema. */
// eslint-disable-next-line @typescript-eslint/no-explicit-any -- handlers read members without a check, as the reference does
export type Payload = any;

export interface WebhookManagerOptions {
  /** Where the application is reached from outside, `https://your-domain.com`; URLs are `{baseUrl}{path}/{name}`. */
  baseUrl: string;
  /** The path that endpoints are under; `/webhooks` unless given. */
  path?: string | undefined;
  /** Secret of endpoints that are created without one; each gets a generated one unless given. */
  defaultSecret?: string | undefined;
  /** Whether signatures are checked at endpoints that do not name a scheme; true unless given. */
  validateSignatures?: boolean | undefined;
  /** `memory` (the default) forgets everything at the end of the process. */
  storage?: 'memory' | 'sqlite' | 'postgres' | undefined;
  /** File of `sqlite`; `./webhooks.db` unless given. */
  dbPath?: string | undefined;
  /** Of `postgres`; the environment's `DATABASE_URL` unless given. */
  databaseUrl?: string | undefined;
  /** 32 bytes in base64: secrets are sealed with it in the storage. Without it they are stored as they are. */
  encryptionKey?: string | undefined;
  /** Whether payloads stay in the log; true unless given. */
  logPayloads?: boolean | undefined;
  /** Requests kept in the log of an endpoint; 1,000 unless given. */
  maxLogEntries?: number | undefined;
  /** Largest body in bytes; 1 MiB unless given. */
  maxBodyBytes?: number | undefined;
  /** Addresses and ranges of proxies whose `X-Forwarded-For` is believed; none unless given. */
  trustedProxies?: readonly string[] | undefined;
  /** Where `notify` sends, by name. Those not given are read from the environment, see docs/inbound.md. */
  channels?: Readonly<Record<string, ChannelSettings>> | undefined;
  /** The channel of `notify` actions that name none. */
  defaultChannel?: string | undefined;
  /** Mail server of e-mail channels; the environment's `SMTP_URL` and `SMTP_FROM` unless given. */
  mail?: { readonly url: string; readonly from: string } | undefined;
  /** `https://api.telegram.org` unless given. */
  telegramBaseUrl?: string | undefined;
  /** Publishes what `forward` actions with `event` pass on. */
  publisher?: Publisher | undefined;
  /** Actions that run at once in this process; 16 unless given. */
  concurrency?: number | undefined;
  /** Told what nobody else is told: a handler that threw, an action that was given up. Silent unless given. */
  logger?: { warn(details: object, message: string): void } | undefined;
}

/** Of the signature, beside the scheme's name; the same as in the API, in camelCase. */
export interface SignatureOptions {
  scheme: string;
  header?: string;
  timestampHeader?: string;
  algorithm?: string;
  encoding?: string;
  prefix?: string;
  toleranceSeconds?: number;
  signedContent?: string;
}

/** What can be changed of an endpoint. */
export interface WebhookSettings {
  description?: string | undefined;
  /** JSON Schema (draft 2020-12) of the payload. */
  schema?: object | undefined;
  /** POST unless given. */
  methods?: readonly string[] | undefined;
  /** Addresses and CIDR ranges, v4 and v6; everybody unless given. */
  allowedIps?: readonly string[] | undefined;
  signature?: string | SignatureOptions | undefined;
  /** A rule of adnanh/webhook. */
  triggerRule?: object | undefined;
  triggerMismatchStatus?: number | undefined;
  /** What makes a delivery the same as another; the scheme's own unless given, null for nothing. */
  dedupe?: { header: string } | { path: string } | null | undefined;
  /** Read bodies as of this type, whatever the request declares. */
  contentType?: string | undefined;
  /** Kinds of bodies that are taken: json, form, multipart, xml, text. All unless given. */
  bodyKinds?: readonly string[] | undefined;
  maxBodyBytes?: number | undefined;
  /** The answer where no handler gives one. */
  response?: { status?: number; headers?: Record<string, string>; message?: string } | undefined;
  /** Requests of genuine senders in so many seconds (1 unless given), in each process. */
  rateLimit?: { requests: number; perSeconds?: number } | undefined;
  /** Keeps refused requests in the log, too, with what each step found. */
  debug?: boolean | undefined;
}

export interface NewWebhook extends WebhookSettings {
  /** `a-z 0-9 . _ -`, at most 63 characters. */
  name: string;
  /** 6 to 256 characters; `defaultSecret`, or a generated one, unless given. */
  secret?: string | undefined;
}

export interface RetryOptions {
  maxAttempts?: number;
  backoffStrategy?: 'linear' | 'exponential' | 'fixed';
  initialDelayMs?: number;
  maxDelayMs?: number;
}

/** What functions are told of a request. */
export interface WebhookMetadata {
  /** `req_…` */
  id: string;
  endpoint: string;
  method: string;
  ip: string;
  /** When it was received, ISO 8601. */
  timestamp: string;
  headers: Readonly<Record<string, string>>;
  query: Readonly<Record<string, string>>;
  /** Whether `test` sent it. */
  test: boolean;
}

/** What an action is told beside that. */
export interface ActionCallMetadata extends WebhookMetadata {
  /** The same in every attempt. */
  runId: string;
  /** Counts from 1. */
  attempt: number;
  /** Aborted at the deadline and when the manager is closed. */
  signal: AbortSignal;
}

export type WebhookHandler = (payload: Payload, metadata: WebhookMetadata) => unknown;

interface CommonAction {
  /** CEL, such as `payload.confidence > 0.8`, or a function; always unless given. */
  condition?: string | ((payload: Payload, metadata: WebhookMetadata) => boolean | Promise<boolean>) | undefined;
  retryPolicy?: RetryOptions | undefined;
  /**
   * Tells an action with functions apart from others over restarts; its text does unless given. Give one where actions
   * that wait must survive a new version of the code.
   */
  name?: string | undefined;
}

export interface NotifyAction extends CommonAction {
  type: 'notify';
  channels?: readonly string[];
  /** With `{{path}}` of the payload. */
  template?: string;
  subject?: string;
}

export interface ForwardAction extends CommonAction {
  type: 'forward';
  url?: string;
  secret?: string;
  headers?: Record<string, string>;
  /** Seconds. */
  timeout?: number;
  event?: string;
  projectId?: string;
  mapping?: unknown;
}

export interface LogAction extends CommonAction {
  type: 'log';
  destination?: 'database';
  table: string;
  mapping?: unknown;
  maxRecords?: number;
}

/** Either a function, or an HTTP callback. */
export interface ExecuteAction extends CommonAction {
  type: 'execute';
  action?: (payload: Payload, metadata: ActionCallMetadata) => unknown;
  url?: string;
  secret?: string;
  headers?: Record<string, string>;
  mapping?: unknown;
  /** Seconds. */
  timeout?: number;
}

export interface CustomAction extends CommonAction {
  type: 'custom';
  action: (payload: Payload, metadata: ActionCallMetadata) => unknown;
}

export type WebhookAction = NotifyAction | ForwardAction | LogAction | ExecuteAction | CustomAction;

/** An action as it is shown. */
export interface ActionInfo {
  id: string;
  type: WebhookAction['type'];
  /** `function` for one. */
  condition: string | null;
  settings: Readonly<Record<string, unknown>>;
  retryPolicy: RetryOptions | null;
}

export interface WebhookInfo extends WebhookSettings {
  id: string;
  name: string;
  description: string;
  url: string;
  secret: string;
  /** ISO 8601. */
  createdAt: string;
  triggerCount: number;
  lastTrigger: string | null;
  actions: ActionInfo[];
}

/** What became of an action. */
export interface ActionResult {
  id: string;
  type: string;
  status: 'waiting' | 'running' | 'succeeded' | 'failed' | 'skipped';
  attempts: number;
  result: unknown;
  error: string | null;
}

export type WebhookStatus = 'accepted' | 'ignored' | 'challenge' | 'duplicate' | 'rejected' | 'failed';

export interface WebhookResult {
  /** `req_…` */
  id: string;
  status: WebhookStatus;
  /** Of the HTTP answer. */
  statusCode: number;
  /** Its body; JSON as what it says. */
  response: unknown;
  /** What each step of the verdict found: not for the sender. */
  steps: readonly StepResult[];
  actions: ActionResult[];
}

export interface LogEntry extends WebhookResult {
  /** ISO 8601. */
  timestamp: string;
  payload: Payload;
  headers: Readonly<Record<string, unknown>>;
  ip: string;
  method: string;
  test: boolean;
}

export interface LogQuery {
  /** 50 unless given. */
  limit?: number;
  /** Unix ms, a date or ISO 8601. */
  since?: number | Date | string;
  status?: WebhookStatus;
}

/** A request as any framework has it. */
export interface ReceivedWebhook {
  method: string;
  headers: Readonly<Record<string, string | readonly string[] | undefined>>;
  query?: Readonly<Record<string, string | readonly string[] | undefined>>;
  /** The bytes as they arrived: signatures are over these. */
  body: Uint8Array | string;
  /** The client's address. */
  ip: string;
}

export interface WebhookAnswer {
  statusCode: number;
  headers: Record<string, string>;
  body: string;
}

/** Given back by a handler, it answers with a status and headers of its own. */
export class WebhookResponse {
  constructor(
    readonly statusCode: number,
    readonly body?: unknown,
    readonly headers: Readonly<Record<string, string>> = {},
  ) {}
}
