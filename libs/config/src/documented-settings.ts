import type { Setting } from './settings';

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
  {
    name: 'HOST',
    doc: 'Address both apps listen on; `npm start` listens on 127.0.0.1 unless it is set.',
    example: '0.0.0.0',
  },
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
