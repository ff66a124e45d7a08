import { setting, type App, type Setting } from './setting';
import { baseUrl, boolean, cidrs, integer, keys, onOrOff, oneOf, origins, text, token, url } from './setting-kinds';

const API: App[] = ['api'];
const DISPATCHER: App[] = ['dispatcher'];
const BOTH: App[] = ['api', 'dispatcher'];

const MIN_TOKEN_LENGTH = 32;
const MAX_RETENTION_DAYS = 3_650;

const processes = {
  nodeEnv: setting('NODE_ENV', {
    kind: oneOf('production', 'development', 'test'),
    default: 'development',
    apps: BOTH,
    doc: 'With `production`, REQUIRE_HTTPS defaults to true.',
  }),
  host: setting('HOST', {
    kind: text,
    default: '0.0.0.0',
    apps: [...BOTH, 'local'],
    doc: 'Address both apps listen on; `npm start` listens on 127.0.0.1 unless it is set.',
  }),
  port: setting('PORT', {
    kind: integer(0, 65_535),
    default: 3000,
    apps: ['api', 'local'],
    doc: 'Port of the API.',
  }),
  dispatcherPort: setting('DISPATCHER_PORT', {
    kind: integer(0, 65_535),
    default: 3001,
    apps: ['dispatcher', 'local'],
    doc: "Port of the dispatcher's health checks and metrics.",
  }),
  publicUrl: setting('PUBLIC_URL', {
    kind: baseUrl('http', 'https'),
    default: ({ port }) => `http://localhost:${port}`,
    apps: API,
    doc: 'Where clients reach the API; the URLs that the service returns begin with it.',
  }),
  dataDir: setting('DATA_DIR', {
    kind: text,
    default: '.data',
    apps: ['local', 'cli'],
    doc: 'Where the local start keeps its database, keys and token.',
  }),
  logLevel: setting('LOG_LEVEL', {
    kind: oneOf('fatal', 'error', 'warn', 'info', 'debug', 'trace', 'silent'),
    default: 'info',
    apps: BOTH,
    doc: 'The least severe level that is logged.',
  }),
  stopDeadlineMs: setting('STOP_DEADLINE_MS', {
    kind: integer(0, 600_000),
    default: 15_000,
    apps: BOTH,
    doc: 'How long a stopping app lets requests in flight finish, in milliseconds.',
  }),
};

const storage = {
  databaseUrl: setting('DATABASE_URL', {
    kind: url('postgres', 'postgresql'),
    missing: 'is required',
    secret: true,
    example: 'postgres://user:password@localhost:5432/webhooks',
    apps: [...BOTH, 'local', 'cli'],
    doc: 'PostgreSQL 16 or newer; if unset, the local start runs its own.',
  }),
  databasePoolSize: setting('DATABASE_POOL_SIZE', {
    kind: integer(2, 200),
    default: 10,
    apps: BOTH,
    doc: 'Connections in each pool; an API process has two pools, a dispatcher one.',
  }),
  redisUrl: setting('REDIS_URL', {
    kind: text,
    default: null,
    secret: true,
    example: 'redis://localhost:6379',
    apps: BOTH,
    doc: 'Redis for BullMQ: redis://, rediss:// (TLS), redis+sentinel://host:port,host:port/master-name, redis+cluster://host:port,host:port; append +tls to the last two schemes for TLS. If unset, BullMQ runs on PostgreSQL.',
  }),
  queuePrefix: setting('QUEUE_PREFIX', {
    kind: text,
    default: 'trae',
    apps: BOTH,
    doc: "Prefix of BullMQ's keys in Redis; installations that share one Redis need different ones.",
  }),
};

const access = {
  adminToken: setting('ADMIN_TOKEN', {
    kind: token(MIN_TOKEN_LENGTH),
    default: null,
    secret: true,
    apps: API,
    doc: 'Bearer token of the operator API under /api/admin; if unset, that API is off.',
  }),
  bootstrapToken: setting('BOOTSTRAP_TOKEN', {
    kind: token(MIN_TOKEN_LENGTH),
    default: null,
    secret: true,
    apps: ['api', 'local'],
    doc: 'Token of a first tenant; the API creates both at start, once.',
  }),
  metricsToken: setting('METRICS_TOKEN', {
    kind: token(MIN_TOKEN_LENGTH),
    default: null,
    secret: true,
    apps: BOTH,
    doc: 'Bearer token that /metrics of both apps requires; if unset, it requires none and must not be reachable from outside.',
  }),
  encryptionKeys: setting('ENCRYPTION_KEY', {
    kind: keys(32),
    missing: 'is required: 32 bytes in base64 (openssl rand -base64 32); `npm start` makes one',
    secret: true,
    apps: [...BOTH, 'local', 'cli'],
    doc: 'Keys for secrets at rest; the first one encrypts, all decrypt.',
  }),
  trustedProxies: setting('TRUSTED_PROXIES', {
    kind: cidrs,
    default: [],
    apps: API,
    doc: 'Addresses of the proxies in front of the API; X-Forwarded-For is believed from these only.',
  }),
  maxFailedLoginsPerMinute: setting('MAX_FAILED_LOGINS_PER_MINUTE', {
    kind: integer(0, 1_000_000),
    default: 60,
    apps: API,
    doc: 'Rejected tokens per minute and client address (IPv6: /64) before the address gets 429; 0 for no limit.',
  }),
  corsAllowedOrigins: setting('CORS_ALLOWED_ORIGINS', {
    kind: origins,
    default: [],
    apps: API,
    doc: 'Origins whose pages may call the API from a browser.',
  }),
};

const http = {
  maxRequestBytes: setting('MAX_REQUEST_BYTES', {
    kind: integer(1_024, 16_777_216),
    default: 1_048_576,
    apps: API,
    doc: 'Largest body of a request to the API; events and batches have their own limits.',
  }),
  maxJsonDepth: setting('MAX_JSON_DEPTH', {
    kind: integer(8, 1_000),
    default: 64,
    apps: API,
    doc: 'How deep a JSON body may be nested.',
  }),
  maxHeaderBytes: setting('MAX_HEADER_BYTES', {
    kind: integer(2_048, 1_048_576),
    default: 16_384,
    apps: API,
    doc: 'Largest head of a request to the API: request line and headers.',
  }),
  maxHeaders: setting('MAX_HEADERS', {
    kind: integer(10, 10_000),
    default: 100,
    apps: API,
    doc: 'How many headers a request to the API may have.',
  }),
  headersTimeoutMs: setting('HEADERS_TIMEOUT_MS', {
    kind: integer(100, 600_000),
    default: 15_000,
    apps: API,
    doc: 'How long a client may take to send the head of a request, and a new connection may stay without one, in milliseconds.',
  }),
  requestTimeoutMs: setting('REQUEST_TIMEOUT_MS', {
    kind: integer(100, 600_000),
    default: 30_000,
    apps: API,
    doc: 'How long a client may take to send a whole request, in milliseconds.',
  }),
  keepAliveTimeoutMs: setting('KEEP_ALIVE_TIMEOUT_MS', {
    kind: integer(1_000, 3_600_000),
    default: 72_000,
    apps: API,
    doc: 'How long the API keeps an idle connection, in milliseconds; make it longer than the proxy does, so that the proxy closes first.',
  }),
  maxRequestsPerConnection: setting('MAX_REQUESTS_PER_CONNECTION', {
    kind: integer(0, 1_000_000_000),
    default: 0,
    apps: API,
    doc: 'Requests after which the API closes a connection; 0 for no limit.',
  }),
  maxPipelinedRequests: setting('MAX_PIPELINED_REQUESTS', {
    kind: integer(1, 10_000),
    default: 32,
    apps: API,
    doc: 'Requests in flight at once on one connection.',
  }),
  maxConnections: setting('MAX_CONNECTIONS', {
    kind: integer(1, 1_000_000),
    default: 10_000,
    apps: API,
    doc: 'Connections to one API process; further ones are closed at once.',
  }),
  maxConnectionsPerAddress: setting('MAX_CONNECTIONS_PER_ADDRESS', {
    kind: integer(0, 1_000_000),
    default: 1_000,
    apps: API,
    doc: 'Connections from one address (IPv6: /64) outside TRUSTED_PROXIES; 0 for no limit.',
  }),
};

const deliveries = {
  maxEventBytes: setting('MAX_EVENT_BYTES', {
    kind: integer(1_024, 16_777_216),
    default: 262_144,
    apps: BOTH,
    doc: 'Largest `data` of one event, in bytes.',
  }),
  maxStoredResponseBytes: setting('MAX_STORED_RESPONSE_BYTES', {
    kind: integer(0, 1_048_576),
    default: 16_384,
    apps: BOTH,
    doc: "How much of a receiver's response is kept, in bytes.",
  }),
  deliveryAllowedCidrs: setting('DELIVERY_ALLOWED_CIDRS', {
    kind: cidrs,
    default: [],
    apps: [...BOTH, 'local'],
    doc: 'Special address ranges that deliveries may reach; `npm start` allows loopback unless it is set.',
  }),
  requireHttps: setting('REQUIRE_HTTPS', {
    kind: boolean,
    default: ({ production }) => production,
    apps: BOTH,
    doc: 'Rejects webhook URLs without TLS; defaults to true in production.',
  }),
  dispatcherMaxInFlight: setting('DISPATCHER_MAX_IN_FLIGHT', {
    kind: integer(1, 10_000),
    default: 512,
    apps: DISPATCHER,
    doc: 'Requests a dispatcher has in flight at once.',
  }),
  webhookMaxInFlight: setting('WEBHOOK_MAX_IN_FLIGHT', {
    kind: integer(1, 1_000),
    default: 32,
    apps: DISPATCHER,
    doc: 'Requests a dispatcher has in flight at once to one webhook.',
  }),
  dispatcherMemoryBytes: setting('DISPATCHER_MEMORY_BYTES', {
    kind: integer(1_048_576, 4_294_967_296),
    default: 67_108_864,
    apps: DISPATCHER,
    doc: 'Most payload bytes a dispatcher holds; the rest waits in the database.',
  }),
  disableAfterHours: setting('DISABLE_AFTER_HOURS', {
    kind: integer(12, 8_760),
    default: 120,
    apps: DISPATCHER,
    doc: 'A webhook is made inactive when all its attempts have failed for this many hours.',
  }),
  heldPerSecond: setting('HELD_PER_SECOND', {
    kind: integer(1, 10_000),
    default: 50,
    apps: DISPATCHER,
    doc: 'Deliveries per second to a reactivated webhook until it has sent what it held.',
  }),
};

const inbound = {
  inboundMaxBodyBytes: setting('INBOUND_MAX_BODY_BYTES', {
    kind: integer(1_024, 16_777_216),
    default: 1_048_576,
    apps: API,
    doc: 'Largest body of a request to an inbound endpoint, in bytes; an endpoint may have a lower limit.',
  }),
  inboundMaxInFlight: setting('INBOUND_MAX_IN_FLIGHT', {
    kind: integer(1, 1_000),
    default: 64,
    apps: DISPATCHER,
    doc: 'Actions of inbound requests that a dispatcher runs at once, not counting those that take longer than a second.',
  }),
  inboundHooks: setting('INBOUND_HOOKS', {
    kind: onOrOff,
    default: false,
    apps: API,
    doc: 'Whether inbound endpoints with a hook id are also reachable as /hooks/{id}, as with adnanh/webhook.',
  }),
  inboundCommands: setting('INBOUND_COMMANDS', {
    kind: onOrOff,
    default: false,
    apps: BOTH,
    doc: "Whether inbound endpoints may run commands on the dispatcher's machine; only the operator can define them.",
  }),
  inboundCommandsAtOnce: setting('INBOUND_COMMANDS_AT_ONCE', {
    kind: integer(1, 256),
    default: 4,
    apps: DISPATCHER,
    doc: 'Commands that a dispatcher runs at once; further ones wait.',
  }),
  inboundHandlers: setting('INBOUND_HANDLERS', {
    kind: text,
    default: null,
    apps: DISPATCHER,
    doc: 'Path of a JavaScript module whose exported functions inbound actions may call by name (execute with `handler`, custom with `function`).',
  }),
  smtpUrl: setting('SMTP_URL', {
    kind: url('smtp', 'smtps'),
    default: null,
    secret: true,
    apps: DISPATCHER,
    doc: 'Mail server of e-mail channels: smtp://user:password@host:587 (STARTTLS where offered) or smtps://host:465.',
  }),
  smtpFrom: setting('SMTP_FROM', {
    kind: text,
    default: null,
    apps: DISPATCHER,
    doc: 'Sender of mails, for example webhooks@example.com; required with SMTP_URL.',
  }),
  telegramApiUrl: setting('TELEGRAM_API_URL', {
    kind: url('http', 'https'),
    default: 'https://api.telegram.org',
    apps: DISPATCHER,
    doc: "Address of Telegram's bot API, or of a bot API server of your own.",
  }),
};

const retention = {
  payloadRetentionDays: setting('PAYLOAD_RETENTION_DAYS', {
    kind: integer(1, MAX_RETENTION_DAYS),
    default: 30,
    apps: BOTH,
    doc: "How long events' data and receivers' responses are kept, in days; the same for every process.",
  }),
  recordRetentionDays: setting('RECORD_RETENTION_DAYS', {
    kind: integer(1, MAX_RETENTION_DAYS),
    default: 90,
    apps: BOTH,
    doc: 'How long events, deliveries and attempts are kept without them; at least PAYLOAD_RETENTION_DAYS.',
  }),
  statsRetentionDays: setting('STATS_RETENTION_DAYS', {
    kind: integer(1, MAX_RETENTION_DAYS),
    default: 400,
    apps: BOTH,
    doc: 'How long hourly statistics are kept; at least RECORD_RETENTION_DAYS. Twelve whole months take 397.',
  }),
  auditRetentionDays: setting('AUDIT_RETENTION_DAYS', {
    kind: integer(30, MAX_RETENTION_DAYS),
    default: 365,
    apps: BOTH,
    doc: 'For how many days the audit trail is kept at least; it is deleted in whole weeks.',
  }),
};

/** The settings by topic, as the documentation lists them. */
export const SETTING_TOPICS: Record<string, Record<string, Setting>> = {
  Processes: processes,
  'Database and queue': storage,
  'Access and secrets': access,
  'Requests to the API': http,
  'Events and deliveries': deliveries,
  'Inbound endpoints and their actions': inbound,
  Retention: retention,
};

/**
 * Every variable of the environment, under its name in {@link Environment}. `.env.example`, docs/settings.md and the
 * environment of docker-compose.yml are written from it by `npm run settings`.
 */
export const SETTINGS = { ...processes, ...storage, ...access, ...http, ...deliveries, ...inbound, ...retention };
