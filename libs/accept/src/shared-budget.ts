/** What may still be taken in the present window of time. */
export interface Budget {
  /** How much of what was asked for may be taken. */
  granted: number;
  limit: number;
  remaining: number;
  /** Seconds until the next window, at least 1. */
  resetSeconds: number;
}

/** What the database has of a window after a reservation. */
export interface Reserved {
  /** By all instances together, this reservation included. */
  taken: number;
  /** Until the window ends. */
  leftMs: number;
}

interface Window {
  limit: number;
  /** Reserved in the database by this instance, and how much of it is used. */
  reserved: number;
  used: number;
  /** True once the database had no more to give in this window. */
  empty: boolean;
  /** Monotonic ms. */
  endsAt: number;
  reserving: Promise<void> | null;
}

/** An instance reserves a tenth of the limit at a time: ten statements a window at most, however many instances. */
const SHARE = 10;
const MAX_WINDOWS = 10_000;

/**
 * Limits per window of time that all API instances share: instances reserve shares of a window in the database, so that
 * together they never grant more than the limit.
 */
export class SharedBudget {
  private readonly windows = new Map<string, Window>();

  /** @param reserve adds to what was taken of a key's present window, in the database. */
  constructor(private readonly reserve: (key: string, count: number, windowSeconds: number) => Promise<Reserved>) {}

  /** Takes up to `count` from the present window. @throws what reserving throws, when the database is away. */
  async take(key: string, limit: number, windowSeconds: number, count: number): Promise<Budget> {
    let window = this.windowOf(key, limit, windowSeconds);
    while (window.reserved - window.used < count && !window.empty) {
      window.reserving ??= this.reserveShare(key, window, windowSeconds, count);
      await window.reserving;
      window = this.windowOf(key, limit, windowSeconds);
    }
    const granted = Math.min(count, window.reserved - window.used);
    window.used += granted;
    return {
      granted,
      limit,
      remaining: window.empty ? window.reserved - window.used : Math.max(0, limit - window.used),
      resetSeconds: Math.max(1, Math.ceil((window.endsAt - performance.now()) / 1000)),
    };
  }

  private windowOf(key: string, limit: number, windowSeconds: number): Window {
    const known = this.windows.get(key);
    if (known?.limit === limit && performance.now() < known.endsAt) return known;
    const window: Window = {
      limit,
      reserved: 0,
      used: 0,
      empty: false,
      endsAt: performance.now() + windowSeconds * 1000,
      reserving: null,
    };
    if (this.windows.size >= MAX_WINDOWS) this.windows.clear();
    this.windows.set(key, window);
    return window;
  }

  private async reserveShare(key: string, window: Window, windowSeconds: number, count: number): Promise<void> {
    const wanted = Math.max(Math.min(count, window.limit), Math.ceil(window.limit / SHARE));
    try {
      const { taken, leftMs } = await this.reserve(key, wanted, windowSeconds);
      const before = taken - wanted;
      const got = Math.max(0, Math.min(wanted, window.limit - before));
      window.reserved += got;
      window.empty = got < wanted;
      window.endsAt = Math.min(window.endsAt, performance.now() + Math.max(0, leftMs));
    } finally {
      window.reserving = null;
    }
  }
}
