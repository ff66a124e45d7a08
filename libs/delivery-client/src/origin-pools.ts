import { Client, Pool, type Dispatcher } from 'undici';

export type PoolOptions = Omit<Pool.Options, 'connections'> & { readonly connections: number };

/** The connections to one origin. */
export interface Origin {
  readonly pool: Pool;
  /**
   * True while undici starts a request on a connection that was made for it. undici emits `connect`
   * and starts the waiting request in one synchronous run, so the flag ends with that run.
   */
  isConnecting: boolean;
}

/**
 * Keeps one pool per origin. A pool goes when its last connection does, and beyond `maxOrigins` the
 * least recently used one is closed once its requests are answered, so that deliveries to ever new
 * origins cannot use up memory and file descriptors.
 *
 * Not undici's Agent: its `maxOrigins` refuses the next origin instead of making room for it.
 */
export class OriginPools {
  /** Least recently used first. */
  private readonly origins = new Map<string, Origin>();

  constructor(
    private readonly options: PoolOptions,
    private readonly maxOrigins: number,
  ) {}

  get size(): number {
    return this.origins.size;
  }

  /** The pool of an origin such as `https://example.com:8443`, made when there is none. */
  use(origin: string): Origin {
    const entry = this.origins.get(origin) ?? this.open(origin);
    this.origins.delete(origin);
    this.origins.set(origin, entry);
    if (this.origins.size > this.maxOrigins) this.evictOldest();
    return entry;
  }

  /** Sends one request over a connection of its own, which closes with the response. */
  dispatchAlone(origin: string, request: Dispatcher.DispatchOptions, handler: Dispatcher.DispatchHandler): void {
    const { connections: _, ...options } = this.options;
    const client = new Client(origin, options);
    client.dispatch(request, handler);
    void client.close();
  }

  /** Breaks all connections. */
  async destroy(): Promise<void> {
    const pools = [...this.origins.values()].map(({ pool }) => pool);
    this.origins.clear();
    await Promise.all(pools.map((pool) => pool.destroy()));
  }

  private open(origin: string): Origin {
    const pool = new Pool(origin, this.options);
    const entry: Origin = { pool, isConnecting: false };
    const releaseIfIdle = (): void => {
      const { connected, size } = pool.stats;
      if (connected > 0 || size > 0 || this.origins.get(origin) !== entry) return;
      this.origins.delete(origin);
      void pool.close();
    };
    pool
      .on('connect', () => {
        entry.isConnecting = true;
        queueMicrotask(() => (entry.isConnecting = false));
      })
      .on('disconnect', releaseIfIdle)
      .on('connectionError', releaseIfIdle);
    return entry;
  }

  private evictOldest(): void {
    const [oldest] = this.origins;
    if (oldest === undefined) return;
    this.origins.delete(oldest[0]);
    void oldest[1].pool.close();
  }
}
