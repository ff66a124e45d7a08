import { Client, type buildConnector } from 'undici';

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

/** Where connections lead, and by which rules: what was dialled under one allow list is not lent under another. */
export interface Route {
  /** Such as `https://example.com:8443`. */
  readonly origin: string;
  /** The allow list; empty for that of the installation. */
  readonly allowed: string;
  readonly connect: buildConnector.connector;
}

interface Origin {
  readonly key: string;
  readonly route: Route;
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
    private readonly clientOptions: Omit<Client.Options, 'connect'>,
    private readonly limits: ConnectionLimits,
  ) {}

  /** Connections open or being opened, over all origins. */
  get openCount(): number {
    let count = 0;
    for (const { open } of this.origins.values()) count += open.size;
    return count;
  }

  /** Lends a connection, as soon as there is one to spare. */
  lend(route: Route, borrower: Borrower): void {
    const key = `${route.origin} ${route.allowed}`;
    const origin = this.origins.get(key) ?? this.addOrigin(key, route);
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
    else if (origin.open.size === 0 && this.origins.get(origin.key) === origin) this.origins.delete(origin.key);
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

  private addOrigin(key: string, route: Route): Origin {
    const origin: Origin = { key, route, open: new Set(), idle: [], waiting: [] };
    this.origins.set(key, origin);
    return origin;
  }

  private open(origin: Origin): Connection {
    const client = new Client(origin.route.origin, { ...this.clientOptions, connect: origin.route.connect });
    const connection: Connection = { client, origin, isReused: false };
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
