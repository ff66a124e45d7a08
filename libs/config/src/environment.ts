import { readSettings, type Setting } from './settings';

/** How many bytes of work a dispatcher may hold in memory, and so on: every knob of the service in one place. */
export interface Environment {
  nodeEnv: 'production' | 'development' | 'test';
  host: string;
  port: number;
  dispatcherPort: number;
  publicUrl: string;
  databaseUrl: string;
  databasePoolSize: number;
  redisUrl: string | null;
  queuePrefix: string;
  adminToken: string | null;
  bootstrapToken: string | null;
  encryptionKeys: Buffer[];
  deliveryAllowedCidrs: string[];
  trustedProxies: string[];
  maxFailedLoginsPerMinute: number;
  maxRequestBytes: number;
  maxJsonDepth: number;
  maxHeaderBytes: number;
  maxHeaders: number;
  headersTimeoutMs: number;
  requestTimeoutMs: number;
  keepAliveTimeoutMs: number;
  maxRequestsPerConnection: number;
  maxPipelinedRequests: number;
  maxConnections: number;
  maxConnectionsPerAddress: number;
  corsAllowedOrigins: string[];
  metricsToken: string | null;
  auditRetentionDays: number;
  requireHttps: boolean;
  dataDir: string;
  logLevel: string;
  maxEventBytes: number;
  maxStoredResponseBytes: number;
  inboundMaxBodyBytes: number;
  inboundHooks: boolean;
  inboundCommands: boolean;
  inboundCommandsAtOnce: number;
  inboundMaxInFlight: number;
  inboundHandlers: string | null;
  smtpUrl: string | null;
  smtpFrom: string | null;
  telegramApiUrl: string;
  dispatcherMaxInFlight: number;
  webhookMaxInFlight: number;
  dispatcherMemoryBytes: number;
  stopDeadlineMs: number;
  disableAfterHours: number;
  heldPerSecond: number;
  payloadRetentionDays: number;
  recordRetentionDays: number;
  statsRetentionDays: number;
}

const KEY_BYTES = 32;
const MIN_TOKEN_LENGTH = 32;
const MAX_RETENTION_DAYS = 3_650;

/**
 * Every variable of the environment, with its default and one sentence for `.env.example`.
 * An empty variable counts as unset.
 */
export const SETTINGS: Setting[] = [
  {
    name: 'NODE_ENV',
    doc: '`production` makes secrets and https required. One of production, development, test.',
    example: 'development',
  },
  { name: 'HOST', doc: 'Address both apps listen on.', example: '0.0.0.0' },
  { name: 'PORT', doc: 'Port of the API.', example: '3000' },
  { name: 'DISPATCHER_PORT', doc: "Port of the dispatcher's health and metrics.", example: '3001' },
  {
    name: 'PUBLIC_URL',
    doc: 'Where clients reach the API; used in URLs the service hands out.',
    example: 'http://localhost:3000',
  },
  {
    name: 'DATABASE_URL',
    doc: 'PostgreSQL 16 or newer. Unset: the local start brings its own; the apps on their own require it.',
    example: 'postgres://user:password@localhost:5432/webhooks',
  },
  {
    name: 'DATABASE_POOL_SIZE',
    doc: 'Connections of each pool; an API process has two pools, a dispatcher one.',
    example: '10',
  },
  {
    name: 'REDIS_URL',
    doc: 'Redis for BullMQ: redis://, rediss:// (TLS), redis+sentinel://host:port,host:port/master-name, redis+cluster://host:port,host:port; append +tls to the last two schemes for TLS. Unset: BullMQ on PostgreSQL.',
    example: 'redis://localhost:6379',
  },
  {
    name: 'QUEUE_PREFIX',
    doc: "Prefix of BullMQ's keys in Redis; installations that share one Redis need different ones.",
    example: 'trae',
  },
  {
    name: 'ADMIN_TOKEN',
    doc: 'Bearer token of the operator API under /api/admin, 32 characters or more. Unset: that API is off.',
    example: '',
  },
  {
    name: 'BOOTSTRAP_TOKEN',
    doc: 'Token of a first tenant, 32 characters or more; the API makes both at start, once.',
    example: '',
  },
  {
    name: 'ENCRYPTION_KEY',
    doc: 'Keys for secrets at rest, 32 bytes in base64 each, separated by commas; the first one encrypts, all decrypt. Required in production.',
    example: '',
  },
  {
    name: 'DELIVERY_ALLOWED_CIDRS',
    doc: 'Special address ranges that deliveries may reach all the same, separated by commas; `none` for none.',
    example: 'none',
  },
  {
    name: 'TRUSTED_PROXIES',
    doc: 'Address ranges of the proxies in front of the API, separated by commas: only their X-Forwarded-For tells where a request came from; `none` for none.',
    example: 'none',
  },
  {
    name: 'MAX_FAILED_LOGINS_PER_MINUTE',
    doc: 'Refused tokens per minute and client address (IPv6: /64) before the address is told to wait with 429; 0 for any number.',
    example: '60',
  },
  {
    name: 'MAX_REQUEST_BYTES',
    doc: 'Largest body of a request to the API; events and batches have limits of their own.',
    example: '1048576',
  },
  { name: 'MAX_JSON_DEPTH', doc: 'How deep a JSON body may be nested.', example: '64' },
  {
    name: 'MAX_HEADER_BYTES',
    doc: 'Largest head of a request to the API: its line and headers together.',
    example: '16384',
  },
  { name: 'MAX_HEADERS', doc: 'How many headers a request to the API may have.', example: '100' },
  {
    name: 'HEADERS_TIMEOUT_MS',
    doc: 'How long a client may take to send the head of a request, in milliseconds; also how long a connection may stay without one.',
    example: '15000',
  },
  {
    name: 'REQUEST_TIMEOUT_MS',
    doc: 'How long a client may take to send a whole request, in milliseconds.',
    example: '30000',
  },
  {
    name: 'KEEP_ALIVE_TIMEOUT_MS',
    doc: 'How long the API keeps an idle connection, in milliseconds; longer than the proxy in front does, so that the proxy closes first.',
    example: '72000',
  },
  {
    name: 'MAX_REQUESTS_PER_CONNECTION',
    doc: 'Requests after which the API closes a connection; 0 for any number.',
    example: '0',
  },
  { name: 'MAX_PIPELINED_REQUESTS', doc: 'Requests that may be under way at once on one connection.', example: '32' },
  {
    name: 'MAX_CONNECTIONS',
    doc: 'Connections to one API process; those beyond are closed at once.',
    example: '10000',
  },
  {
    name: 'MAX_CONNECTIONS_PER_ADDRESS',
    doc: 'Of those, how many from one address (IPv6: /64) that TRUSTED_PROXIES does not name; 0 for any number.',
    example: '1000',
  },
  {
    name: 'CORS_ALLOWED_ORIGINS',
    doc: 'Origins whose pages may call the API from a browser, such as https://app.example, separated by commas; `none` for none.',
    example: 'none',
  },
  {
    name: 'METRICS_TOKEN',
    doc: 'Bearer token that /metrics of both apps wants, 32 characters or more. Unset: it wants none; keep it inside then.',
    example: '',
  },
  {
    name: 'AUDIT_RETENTION_DAYS',
    doc: 'For how many days the audit trail is kept, at least; whole weeks go at once.',
    example: '365',
  },
  { name: 'REQUIRE_HTTPS', doc: 'Refuse webhook URLs without TLS. Defaults to true in production.', example: 'false' },
  { name: 'DATA_DIR', doc: 'Where the local start keeps its database, keys and token.', example: '.data' },
  { name: 'LOG_LEVEL', doc: 'One of fatal, error, warn, info, debug, trace, silent.', example: 'info' },
  { name: 'MAX_EVENT_BYTES', doc: 'Largest `data` of one event, in bytes.', example: '262144' },
  { name: 'MAX_STORED_RESPONSE_BYTES', doc: "How much of a receiver's answer is kept, in bytes.", example: '16384' },
  {
    name: 'INBOUND_MAX_BODY_BYTES',
    doc: 'Largest body of a request to an inbound endpoint, in bytes; an endpoint may have a lower limit.',
    example: '1048576',
  },
  {
    name: 'INBOUND_HOOKS',
    doc: 'Whether inbound endpoints with a hook id are also reachable as /hooks/{id}, as with adnanh/webhook. on or off.',
    example: 'off',
  },
  {
    name: 'INBOUND_COMMANDS',
    doc: 'Whether inbound endpoints may run commands on the machine of the dispatcher; only the operator can define them. on or off.',
    example: 'off',
  },
  {
    name: 'INBOUND_COMMANDS_AT_ONCE',
    doc: 'Commands that a dispatcher runs at once; the others wait for their turn.',
    example: '4',
  },
  {
    name: 'INBOUND_MAX_IN_FLIGHT',
    doc: 'Actions of inbound requests that a dispatcher has under way at once, without those that take longer than a second.',
    example: '64',
  },
  {
    name: 'INBOUND_HANDLERS',
    doc: 'Path of a JavaScript module whose exported functions inbound actions may call by name (execute with `handler`, custom with `function`).',
    example: '',
  },
  {
    name: 'SMTP_URL',
    doc: 'Mail server of e-mail channels: smtp://user:password@host:587 (STARTTLS where offered) or smtps://host:465.',
    example: '',
  },
  {
    name: 'SMTP_FROM',
    doc: 'Sender of mails that go through SMTP_URL, for example webhooks@example.com.',
    example: '',
  },
  {
    name: 'TELEGRAM_API_URL',
    doc: "Where Telegram's bot API is; one's own server can be run.",
    example: 'https://api.telegram.org',
  },
  { name: 'DISPATCHER_MAX_IN_FLIGHT', doc: 'Requests a dispatcher has under way at once.', example: '512' },
  { name: 'WEBHOOK_MAX_IN_FLIGHT', doc: 'Requests a dispatcher has under way at once to one webhook.', example: '32' },
  {
    name: 'DISPATCHER_MEMORY_BYTES',
    doc: 'Payload bytes a dispatcher holds at most; more waits in the database.',
    example: '67108864',
  },
  {
    name: 'DISABLE_AFTER_HOURS',
    doc: 'A webhook whose every attempt has failed for so many hours is made inactive; at least 12.',
    example: '120',
  },
  {
    name: 'HELD_PER_SECOND',
    doc: 'Deliveries per second to a webhook that is active again, until those that it held have gone out.',
    example: '50',
  },
  {
    name: 'PAYLOAD_RETENTION_DAYS',
    doc: "How long events' data and receivers' answers are kept, in days; the same for every process.",
    example: '30',
  },
  {
    name: 'RECORD_RETENTION_DAYS',
    doc: 'How long events, deliveries and attempts are kept without them; at least PAYLOAD_RETENTION_DAYS.',
    example: '90',
  },
  {
    name: 'STATS_RETENTION_DAYS',
    doc: 'How long hourly statistics are kept; at least RECORD_RETENTION_DAYS. Twelve whole months take 397.',
    example: '400',
  },
  {
    name: 'STOP_DEADLINE_MS',
    doc: 'How long a stopping app lets requests in flight finish, in milliseconds.',
    example: '15000',
  },
];

/**
 * Reads and validates the environment once.
 * @throws Error that lists every variable that is wrong and what is allowed.
 */
export function loadEnvironment(env: NodeJS.ProcessEnv): Environment {
  const settings = readSettings(env);
  const nodeEnv = settings.oneOf('NODE_ENV', ['production', 'development', 'test'] as const, 'development');
  const production = nodeEnv === 'production';
  const port = settings.integer('PORT', 3000, 0, 65535);
  const environment: Environment = {
    nodeEnv,
    host: settings.text('HOST') ?? '0.0.0.0',
    port,
    dispatcherPort: settings.integer('DISPATCHER_PORT', 3001, 0, 65535),
    publicUrl: settings.url('PUBLIC_URL', ['http:', 'https:'])?.replace(/\/+$/, '') ?? `http://localhost:${port}`,
    databaseUrl: settings.required('DATABASE_URL', settings.url('DATABASE_URL', ['postgres:', 'postgresql:'])),
    databasePoolSize: settings.integer('DATABASE_POOL_SIZE', 10, 2, 200),
    redisUrl: settings.text('REDIS_URL'),
    queuePrefix: settings.text('QUEUE_PREFIX') ?? 'trae',
    adminToken: settings.token('ADMIN_TOKEN', MIN_TOKEN_LENGTH),
    bootstrapToken: settings.token('BOOTSTRAP_TOKEN', MIN_TOKEN_LENGTH),
    encryptionKeys: settings.base64List('ENCRYPTION_KEY', KEY_BYTES),
    deliveryAllowedCidrs: settings.cidrs('DELIVERY_ALLOWED_CIDRS'),
    trustedProxies: settings.cidrs('TRUSTED_PROXIES'),
    maxFailedLoginsPerMinute: settings.integer('MAX_FAILED_LOGINS_PER_MINUTE', 60, 0, 1_000_000),
    maxRequestBytes: settings.integer('MAX_REQUEST_BYTES', 1_048_576, 1_024, 16_777_216),
    maxJsonDepth: settings.integer('MAX_JSON_DEPTH', 64, 8, 1_000),
    maxHeaderBytes: settings.integer('MAX_HEADER_BYTES', 16_384, 2_048, 1_048_576),
    maxHeaders: settings.integer('MAX_HEADERS', 100, 10, 10_000),
    headersTimeoutMs: settings.integer('HEADERS_TIMEOUT_MS', 15_000, 100, 600_000),
    requestTimeoutMs: settings.integer('REQUEST_TIMEOUT_MS', 30_000, 100, 600_000),
    keepAliveTimeoutMs: settings.integer('KEEP_ALIVE_TIMEOUT_MS', 72_000, 1_000, 3_600_000),
    maxRequestsPerConnection: settings.integer('MAX_REQUESTS_PER_CONNECTION', 0, 0, 1_000_000_000),
    maxPipelinedRequests: settings.integer('MAX_PIPELINED_REQUESTS', 32, 1, 10_000),
    maxConnections: settings.integer('MAX_CONNECTIONS', 10_000, 1, 1_000_000),
    maxConnectionsPerAddress: settings.integer('MAX_CONNECTIONS_PER_ADDRESS', 1_000, 0, 1_000_000),
    corsAllowedOrigins: settings.origins('CORS_ALLOWED_ORIGINS'),
    metricsToken: settings.token('METRICS_TOKEN', MIN_TOKEN_LENGTH),
    auditRetentionDays: settings.integer('AUDIT_RETENTION_DAYS', 365, 30, 3_650),
    requireHttps: settings.boolean('REQUIRE_HTTPS', production),
    dataDir: settings.text('DATA_DIR') ?? '.data',
    logLevel: settings.oneOf(
      'LOG_LEVEL',
      ['fatal', 'error', 'warn', 'info', 'debug', 'trace', 'silent'] as const,
      'info',
    ),
    maxEventBytes: settings.integer('MAX_EVENT_BYTES', 262_144, 1_024, 16_777_216),
    maxStoredResponseBytes: settings.integer('MAX_STORED_RESPONSE_BYTES', 16_384, 0, 1_048_576),
    inboundMaxBodyBytes: settings.integer('INBOUND_MAX_BODY_BYTES', 1_048_576, 1_024, 16_777_216),
    inboundHooks: settings.oneOf('INBOUND_HOOKS', ['on', 'off'] as const, 'off') === 'on',
    inboundCommands: settings.oneOf('INBOUND_COMMANDS', ['on', 'off'] as const, 'off') === 'on',
    inboundCommandsAtOnce: settings.integer('INBOUND_COMMANDS_AT_ONCE', 4, 1, 256),
    inboundMaxInFlight: settings.integer('INBOUND_MAX_IN_FLIGHT', 64, 1, 1_000),
    inboundHandlers: settings.text('INBOUND_HANDLERS'),
    smtpUrl: settings.url('SMTP_URL', ['smtp:', 'smtps:']),
    smtpFrom: settings.text('SMTP_FROM'),
    telegramApiUrl: settings.url('TELEGRAM_API_URL', ['http:', 'https:']) ?? 'https://api.telegram.org',
    dispatcherMaxInFlight: settings.integer('DISPATCHER_MAX_IN_FLIGHT', 512, 1, 10_000),
    webhookMaxInFlight: settings.integer('WEBHOOK_MAX_IN_FLIGHT', 32, 1, 1_000),
    dispatcherMemoryBytes: settings.integer('DISPATCHER_MEMORY_BYTES', 67_108_864, 1_048_576, 4_294_967_296),
    disableAfterHours: settings.integer('DISABLE_AFTER_HOURS', 120, 12, 8_760),
    heldPerSecond: settings.integer('HELD_PER_SECOND', 50, 1, 10_000),
    payloadRetentionDays: settings.integer('PAYLOAD_RETENTION_DAYS', 30, 1, MAX_RETENTION_DAYS),
    recordRetentionDays: settings.integer('RECORD_RETENTION_DAYS', 90, 1, MAX_RETENTION_DAYS),
    statsRetentionDays: settings.integer('STATS_RETENTION_DAYS', 400, 1, MAX_RETENTION_DAYS),
    stopDeadlineMs: settings.integer('STOP_DEADLINE_MS', 15_000, 0, 600_000),
  };
  if (environment.encryptionKeys.length === 0) {
    settings.problem(
      'ENCRYPTION_KEY',
      production
        ? 'is required in production: 32 bytes in base64 (openssl rand -base64 32)'
        : 'is required: 32 bytes in base64 (openssl rand -base64 32); `npm start` makes one',
    );
  }
  if (environment.smtpUrl !== null && environment.smtpFrom === null) {
    settings.problem('SMTP_FROM', 'is required with SMTP_URL: the address that mails come from');
  }
  if (environment.recordRetentionDays < environment.payloadRetentionDays) {
    settings.problem('RECORD_RETENTION_DAYS', 'must not be less than PAYLOAD_RETENTION_DAYS');
  }
  if (environment.statsRetentionDays < environment.recordRetentionDays) {
    settings.problem('STATS_RETENTION_DAYS', 'must not be less than RECORD_RETENTION_DAYS');
  }
  settings.throwIfProblems();
  return environment;
}
