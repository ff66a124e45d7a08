import type { RateLimit } from '#inbound-rules/response-settings';

/** Limits of endpoints, each counted in fixed windows of time, in this process. */
export class RateLimits {
  private readonly windows = new Map<string, { number: number; taken: number }>();

  /** Takes one request. @returns 0, or the seconds until the next window when this one is used up. */
  take(endpointId: string, limit: RateLimit | null, nowMs: number): number {
    if (limit === null) return 0;
    const windowMs = limit.per_seconds * 1_000;
    const number = Math.floor(nowMs / windowMs);
    const known = this.windows.get(endpointId);
    const window = known?.number === number ? known : { number, taken: 0 };
    if (window.taken >= limit.requests) return Math.ceil(((number + 1) * windowMs - nowMs) / 1_000);
    window.taken += 1;
    this.windows.set(endpointId, window);
    return 0;
  }

  forget(endpointId: string): void {
    this.windows.delete(endpointId);
  }
}
