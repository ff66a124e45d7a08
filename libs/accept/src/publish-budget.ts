import type { Pool } from 'pg';

/** What a tenant may still publish in the present second. */
export interface Budget {
  /** How many of the events asked for may be published. */
  granted: number;
  limit: number;
  remaining: number;
  /** Seconds until the next second's budget, at least 1. */
  resetSeconds: number;
}

interface Window {
  limit: number;
  /** Reserved in the database by this instance, and how much of it is used. */
  reserved: number;
  used: number;
  /** True once the database had no more to give in this second. */
  empty: boolean;
  /** Monotonic ms. */
  endsAt: number;
  reserving: Promise<void> | null;
}

/** An instance reserves a tenth of the limit at a time: ten statements a second at most, however many instances. */
const SHARE = 10;
const MAX_WINDOWS = 10_000;

/**
 * Limits of events per second that all API instances share: instances reserve shares of a tenant's second in
 * the database, so that together they never grant more than the limit.
 */
export class PublishBudget {
  private readonly windows = new Map<string, Window>();

  constructor(private readonly pool: Pool) {}

  /** Takes up to `count` events from the present second. @throws what the driver throws when the database is away. */
  async take(tenantId: string, limit: number, count: number): Promise<Budget> {
    let window = this.windowOf(tenantId, limit);
    while (window.reserved - window.used < count && !window.empty) {
      window.reserving ??= this.reserve(tenantId, window, count);
      await window.reserving;
      window = this.windowOf(tenantId, limit);
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

  private windowOf(tenantId: string, limit: number): Window {
    const known = this.windows.get(tenantId);
    if (known?.limit === limit && performance.now() < known.endsAt) return known;
    const window: Window = {
      limit,
      reserved: 0,
      used: 0,
      empty: false,
      endsAt: performance.now() + 1000,
      reserving: null,
    };
    if (this.windows.size >= MAX_WINDOWS) this.windows.clear();
    this.windows.set(tenantId, window);
    return window;
  }

  private async reserve(tenantId: string, window: Window, count: number): Promise<void> {
    const wanted = Math.max(Math.min(count, window.limit), Math.ceil(window.limit / SHARE));
    try {
      const answer = await this.pool.query<{ taken: number; left_ms: number }>({
        name: 'reserve-publishing',
        text: `
          INSERT INTO publish_windows AS w (tenant_id, second, taken) VALUES ($1, floor(extract(epoch FROM clock_timestamp())), $2)
          ON CONFLICT (tenant_id) DO UPDATE SET second = excluded.second,
            taken = least(excluded.taken + CASE WHEN w.second = excluded.second THEN w.taken ELSE 0 END, 1000000000)
          RETURNING taken, ((second + 1) * 1000 - extract(epoch FROM clock_timestamp()) * 1000)::float8 AS left_ms`,
        values: [tenantId, wanted],
      });
      const row = answer.rows[0];
      const before = (row?.taken ?? 0) - wanted;
      const got = Math.max(0, Math.min(wanted, window.limit - before));
      window.reserved += got;
      window.empty = got < wanted;
      window.endsAt = Math.min(window.endsAt, performance.now() + Math.max(0, row?.left_ms ?? 0));
    } finally {
      window.reserving = null;
    }
  }
}
