/**
 * Deliveries that are on their way into lanes. Between the statement that makes them ours and the push into their lanes
 * they look like orphans.
 */
export class Acquisitions {
  private readonly underWay = new Set<Promise<unknown>>();

  /** Runs `take`, which takes deliveries and pushes them into their lanes. @throws what it throws. */
  async track<T>(take: () => Promise<T>): Promise<T> {
    const taking = take();
    this.underWay.add(taking);
    try {
      return await taking;
    } finally {
      this.underWay.delete(taking);
    }
  }

  /** Resolves once everything that was under way at the call has succeeded or failed. */
  async untilIdle(): Promise<void> {
    await Promise.allSettled([...this.underWay]);
  }
}
