import { Client } from 'undici';

/** One keep-alive connection, carrying one request at a time. */
export interface Connection {
  readonly client: Client;
  readonly origin: Origin;
  /** True when it has carried a request before, so that the receiver may be closing it just now. */
  isReused: boolean;
}

/** Somebody who has one request to send. */
export interface Borrower {
  /** False once it has given up waiting. */
  readonly isWaiting: boolean;
  sendOver(connection: Connection): void;
}

interface Origin {
  readonly url: string;
  readonly open: Set<Connection>;
  /** Used last first, so that what is not needed falls idle and closes. */
  readonly idle: Connection[];
  readonly waiting: Borrower[];
}

export interface ConnectionLimits {
  readonly perOrigin: number;
  /** Over all origins; beyond it the connection that was idle longest is closed. */
  readonly idle: number;
}

/**
 * Keeps connections by origin and lends each to one request at a time. An origin without connections
 * is forgotten, and idle connections are limited over all of them, so that deliveries to ever new
 * origins cannot use up memory and file descriptors.
 *
 * Over undici's Client rather than its Pool or Agent: a request that is aborted there makes undici
 * connect once more to drop it, which doubles the connections to receivers that hang, and neither
 * tells whether a request went out on a connection that had been used before. Agent's `maxOrigins`
 * refuses the next origin instead of making room for it.
 */
export class ConnectionPool {
  private readonly origins = new Map<string, Origin>();
  /** Idle longest first. */
  private readonly idle = new Set<Connection>();

  constructor(
    private readonly clientOptions: Client.Options,
    private readonly limits: ConnectionLimits,
  ) {}

  /** Connections open or being opened, over all origins. */
  get openCount(): number {
    let count = 0;
    for (const { open } of this.origins.values()) count += open.size;
    return count;
  }

  /** Lends a connection to an origin such as `https://example.com:8443`, as soon as there is one to spare. */
  lend(originUrl: string, borrower: Borrower): void {
    const origin = this.origins.get(originUrl) ?? this.addOrigin(originUrl);
    const connection = origin.idle.pop();
    if (connection !== undefined) {
      this.idle.delete(connection);
      borrower.sendOver(connection);
    } else if (origin.open.size < this.limits.perOrigin) {
      borrower.sendOver(this.open(origin));
    } else {
      origin.waiting.push(borrower);
    }
  }

  /** Takes back a connection, to be used again unless the receiver has closed it. */
  release(connection: Connection): void {
    const { origin } = connection;
    if (!connection.client.stats.connected) {
      this.discard(connection);
      return;
    }
    connection.isReused = true;
    const next = nextWaiting(origin);
    if (next !== undefined) {
      next.sendOver(connection);
      return;
    }
    origin.idle.push(connection);
    this.idle.add(connection);
    const [longest] = this.idle;
    if (this.idle.size > this.limits.idle && longest !== undefined) this.discard(longest);
  }

  /** Breaks a connection, whatever it is doing. */
  discard(connection: Connection): void {
    const { origin } = connection;
    this.forget(connection);
    const next = nextWaiting(origin);
    if (next !== undefined) next.sendOver(this.open(origin));
    else if (origin.open.size === 0 && this.origins.get(origin.url) === origin) this.origins.delete(origin.url);
  }

  /** Breaks a connection and lends a new one in its place. */
  replace(connection: Connection): Connection {
    this.forget(connection);
    return this.open(connection.origin);
  }

  /** Breaks all connections; those who wait for one are never served. */
  async destroy(): Promise<void> {
    const open = [...this.origins.values()].flatMap((origin) => {
      origin.waiting.length = 0;
      return [...origin.open];
    });
    this.origins.clear();
    this.idle.clear();
    await Promise.all(open.map(async ({ client }) => client.destroy()));
  }

  private addOrigin(url: string): Origin {
    const origin: Origin = { url, open: new Set(), idle: [], waiting: [] };
    this.origins.set(url, origin);
    return origin;
  }

  private open(origin: Origin): Connection {
    const connection: Connection = { client: new Client(origin.url, this.clientOptions), origin, isReused: false };
    // A connection that breaks under a request is discarded by whoever sent the request.
    connection.client.on('disconnect', () => {
      if (this.idle.has(connection)) this.discard(connection);
    });
    origin.open.add(connection);
    return connection;
  }

  private forget(connection: Connection): void {
    const { origin } = connection;
    origin.open.delete(connection);
    if (this.idle.delete(connection)) origin.idle.splice(origin.idle.indexOf(connection), 1);
    void connection.client.destroy();
  }
}

function nextWaiting(origin: Origin): Borrower | undefined {
  let next = origin.waiting.shift();
  while (next !== undefined && !next.isWaiting) next = origin.waiting.shift();
  return next;
}
