import { Cluster, Redis, type RedisOptions } from 'ioredis';

/** What a `REDIS_URL` says: one server, a Sentinel group or a Cluster. */
export type RedisTarget =
  | { kind: 'single'; options: RedisOptions }
  | { kind: 'sentinel'; options: RedisOptions }
  | { kind: 'cluster'; nodes: { host: string; port: number }[]; options: RedisOptions };

const DEFAULT_PORT = 6379;
const DEFAULT_SENTINEL_PORT = 26379;
const MAX_PORT = 65_535;
const MAX_RECONNECT_MS = 2_000;
const COMMAND_TIMEOUT_MS = 2_000;
const FORM =
  /^(?<scheme>rediss?|redis\+sentinel|redis\+cluster)(?<tls>\+tls)?:\/\/(?:(?<user>[^:@/]*):(?<password>[^@/]*)@)?(?<hosts>[^/@?]+)(?:\/(?<path>[^?]*))?(?:\?.*)?$/;

/**
 * Reads `redis://`, `rediss://` (TLS), `redis+sentinel://h1:26379,h2/master-name/db` and
 * `redis+cluster://h1:6379,h2`; the last two with `+tls` for TLS.
 * @throws Error saying which forms are allowed; it never repeats the URL, which may hold a password.
 */
export function parseRedisUrl(url: string): RedisTarget {
  const groups = FORM.exec(url)?.groups;
  const scheme = groups?.['scheme'];
  if (groups === undefined || scheme === undefined) throw new Error(ALLOWED);
  const options: RedisOptions = {};
  if (groups['user']) options.username = decode(groups['user']);
  if (groups['password']) options.password = decode(groups['password']);
  if (scheme === 'rediss' || groups['tls'] !== undefined) options.tls = {};
  const path = (groups['path'] ?? '').split('/');
  const hosts = (groups['hosts'] ?? '').split(',');

  if (scheme === 'redis+sentinel') {
    const [name, db] = path;
    if (!name) throw new Error(ALLOWED);
    const { password, username, tls } = options;
    return {
      kind: 'sentinel',
      options: {
        ...options,
        name,
        sentinels: hosts.map((host) => parseHost(host, DEFAULT_SENTINEL_PORT)),
        ...(password === undefined ? {} : { sentinelPassword: password }),
        ...(username === undefined ? {} : { sentinelUsername: username }),
        ...(tls === undefined ? {} : { sentinelTLS: tls, enableTLSForSentinelMode: true }),
        ...(db ? { db: parseDb(db) } : {}),
      },
    };
  }
  if (scheme === 'redis+cluster') {
    return { kind: 'cluster', nodes: hosts.map((host) => parseHost(host, DEFAULT_PORT)), options };
  }
  const [first, ...more] = hosts;
  if (first === undefined || more.length > 0) throw new Error(ALLOWED);
  return {
    kind: 'single',
    options: { ...options, ...parseHost(first, DEFAULT_PORT), ...(path[0] ? { db: parseDb(path[0]) } : {}) },
  };
}

/**
 * Connects in the background and goes on reconnecting for ever.
 * A `producer` fails at once while Redis is away, since nothing waits for a signal; a `consumer` waits.
 */
export function connectRedis(target: RedisTarget, use: 'producer' | 'consumer'): Redis | Cluster {
  const options: RedisOptions = {
    ...target.options,
    maxRetriesPerRequest: null,
    retryStrategy: reconnectMs,
    ...(use === 'producer' ? { enableOfflineQueue: false, commandTimeout: COMMAND_TIMEOUT_MS } : {}),
  };
  if (target.kind === 'cluster') {
    return new Cluster(target.nodes, {
      redisOptions: options,
      clusterRetryStrategy: reconnectMs,
      enableOfflineQueue: use === 'consumer',
      // As it stands: certificates are made out to names, so an address looked up beforehand would match none.
      dnsLookup: (host, done) => done(null, host),
    });
  }
  return new Redis({ ...options, sentinelRetryStrategy: reconnectMs });
}

const ALLOWED =
  'REDIS_URL must be redis://host:port/db, rediss://…, redis+sentinel://host:port,host:port/master-name or redis+cluster://host:port,host:port';

function parseHost(text: string, defaultPort: number): { host: string; port: number } {
  const found = /^(?:\[(?<v6>[\da-fA-F:.]+)\]|(?<host>[^:\s]+))(?::(?<port>\d{1,5}))?$/.exec(text)?.groups;
  const host = found?.['v6'] ?? found?.['host'];
  const port = found?.['port'] === undefined ? defaultPort : Number(found['port']);
  if (host === undefined || port < 1 || port > MAX_PORT) throw new Error(ALLOWED);
  return { host, port };
}

function decode(text: string): string {
  try {
    return decodeURIComponent(text);
  } catch (error) {
    throw new Error(`${ALLOWED}; a % in a user or password is written %25`, { cause: error });
  }
}

function parseDb(text: string): number {
  if (!/^\d{1,4}$/.test(text)) throw new Error(ALLOWED);
  return Number(text);
}

function reconnectMs(times: number): number {
  return Math.min(50 * 2 ** Math.min(times, 10), MAX_RECONNECT_MS);
}
