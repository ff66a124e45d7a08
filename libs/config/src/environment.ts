import { readSettings } from './settings';

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
