/** What a webhook allows: requests per second and at once; null is as much as the dispatcher likes. */
export interface LaneLimits {
  perSecond: number | null;
  inFlight: number | null;
}

export const NO_LIMITS: LaneLimits = { perSecond: null, inFlight: null };

/**
 * Spaces the starts of one lane evenly, so that in no second there are more than allowed. A new pace begins with a
 * pause, since another dispatcher may have sent just before.
 */
export class Pace {
  private nextAt: number;
  private perSecond: number;

  /** @param now monotonic ms */
  constructor(perSecond: number, now: number) {
    this.perSecond = perSecond;
    this.nextAt = now + this.intervalMs;
  }

  setRate(perSecond: number): void {
    this.perSecond = perSecond;
  }

  /** Milliseconds until the next start; 0 for now. */
  waitMs(now: number): number {
    return Math.max(0, this.nextAt - now);
  }

  /** Notes a start. */
  start(now: number): void {
    this.nextAt = Math.max(now, this.nextAt) + this.intervalMs;
  }

  private get intervalMs(): number {
    return 1000 / this.perSecond;
  }
}
