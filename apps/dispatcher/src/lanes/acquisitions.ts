/**
 * What is becoming ours just now: between the statement that makes deliveries ours in the database and the moment in
 * which they stand in their lanes, they look as if nobody here knew of them.
 */
export class Acquisitions {
  private readonly underWay = new Set<Promise<unknown>>();

  /** Runs what takes deliveries and puts them into their lanes. @throws what it throws. */
  async track<T>(take: () => Promise<T>): Promise<T> {
    const taking = take();
    this.underWay.add(taking);
    try {
      return await taking;
    } finally {
      this.underWay.delete(taking);
    }
  }

  /** Resolves once everything that is under way at the call has come to its end, good or bad. */
  async settled(): Promise<void> {
    await Promise.allSettled([...this.underWay]);
  }
}
