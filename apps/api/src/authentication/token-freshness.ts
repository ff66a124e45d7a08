/** How old the newest look at the changes may be when a cached token is used: revocation is effective within 1 s. */
const MAX_AGE_MS = 900;
/** From this age on, the next use starts a look in the background. */
const REFRESH_AGE_MS = 400;
/** After a longer gap than this, changes may have slipped out of the window that a look covers (10 s). */
const MAX_GAP_MS = 5_000;
/** A database that hangs is waited for no longer than this before it counts as away. */
const MAX_WAIT_MS = 1_000;

/**
 * Keeps a cache no more than a second behind the database: while it is used, one cheap statement every 400 ms evicts
 * what changed; while it is not, nothing runs, and the next use looks first. While the database is away the cache
 * stays usable for 5 s, then it is emptied.
 */
export class TokenFreshness {
  /** When the newest look that succeeded began, and when it ended. */
  private lookedAtMs = -Infinity;
  endedAtMs = -Infinity;
  private failedAtMs = -Infinity;
  private looking: Promise<void> | null = null;
  /** Settles with the look, or when it takes too long. */
  private waiting: Promise<void> | null = null;

  /**
   * @param look evicts what changed within the last 10 s; rejects when the database is away.
   * @param clear empties the cache.
   */
  constructor(
    private readonly look: () => Promise<void>,
    private readonly clear: () => void,
  ) {}

  /**
   * Null when the cache may be used now, else a promise to wait for first; it never rejects.
   * @param nowMs of a monotonic clock.
   */
  ensure(nowMs: number): Promise<void> | null {
    const ageMs = nowMs - this.lookedAtMs;
    if (ageMs <= REFRESH_AGE_MS) return null;
    if (ageMs > MAX_GAP_MS) this.clear();
    // A look that failed just now is not tried again by every request.
    if (this.looking === null && nowMs - this.failedAtMs > REFRESH_AGE_MS) {
      this.looking = this.run(nowMs);
      this.waiting = Promise.race([this.looking, afterMs(MAX_WAIT_MS)]);
    }
    return ageMs <= MAX_AGE_MS || this.looking === null ? null : this.waiting;
  }

  private async run(nowMs: number): Promise<void> {
    try {
      await this.look();
      // Counted from its start: what was committed later may not have been seen.
      this.lookedAtMs = nowMs;
      this.endedAtMs = performance.now();
    } catch {
      this.failedAtMs = nowMs;
    } finally {
      this.looking = null;
    }
  }
}

function afterMs(waitMs: number): Promise<void> {
  return new Promise((resolve) => {
    setTimeout(resolve, waitMs).unref();
  });
}
