const MAX_ITEMS_OF_A_JOB = 500;
/** Beyond it items are dropped: a signal that is lost costs a second of latency. */
const MAX_WAITING = 10_000;

/** Puts what comes while a job is being added into the next job, together. */
export class SharedJobs<T> {
  private waiting: T[] = [];
  private isAdding = false;

  /** @param addJob starts to add a job for so many items, one at least; null when there is no queue to add it to now. */
  constructor(private readonly addJob: (items: [T, ...T[]]) => Promise<void> | null) {}

  /** At once, or as soon as the job that is being added is there. */
  add(items: T[]): void {
    const room = MAX_WAITING - this.waiting.length;
    this.waiting.push(...(items.length > room ? items.slice(0, room) : items));
    if (!this.isAdding) this.addNext();
  }

  private addNext(): void {
    const [first, ...more] = this.waiting.splice(0, MAX_ITEMS_OF_A_JOB);
    if (first === undefined) return;
    const adding = this.addJob([first, ...more]);
    this.isAdding = adding !== null;
    void adding?.then(() => {
      this.isAdding = false;
      this.addNext();
    });
  }
}
