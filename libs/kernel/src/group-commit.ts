import { unavailable } from './app-error';

export interface GroupCommitOptions<T> {
  maxItems: number;
  maxBytes: number;
  /** Commits under way at once; more than one keeps the database busy while an answer travels. */
  maxConcurrent: number;
  /** Items waiting or under way; beyond it new ones are refused rather than piled up. */
  maxWaiting: number;
  bytesOf: (item: T) => number;
  /**
   * How far apart commits begin while callers share them; at once by default. The cost of a commit is mostly fixed, so
   * groups should grow with the load, and how long a commit takes tells the load. Who is alone does not wait, nor does a
   * group of {@link LARGE_SHARE}.
   */
  spacing?: {
    /** As a multiple of what a commit takes; below 2 callers feel less of it, above 2 groups are larger. */
    perDuration: number;
    maxMs: number;
  };
}

/** Share of `maxItems` from which on a group is not worth waiting for more. */
const LARGE_SHARE = 0.2;
/** Weight of the newest commit in the mean of their durations. */
const NEWEST_WEIGHT = 0.2;

const RETRY_AFTER_SECONDS = 1;

/**
 * Lets concurrent callers share one commit: whoever comes while commits are under way waits for the next,
 * so that the cost of a commit is divided as the rate rises, while a caller on its own waits for nobody.
 */
export class GroupCommit<T, R> {
  private waiting: { item: T; bytes: number; resolve: (result: R) => void; reject: (error: unknown) => void }[] = [];
  private running = 0;
  private held = 0;
  /** Whether the last commit had more than one item, and when it began (monotonic ms). */
  private wasShared = false;
  private beganAt = -Infinity;
  private timer: NodeJS.Timeout | null = null;
  /** Moving mean of what a commit takes. */
  private durationMs = 0;

  /** @param commit commits a group and answers in its order; when it fails, a group is tried again one by one. */
  constructor(
    private readonly commit: (items: T[]) => Promise<R[]>,
    private readonly isRetryable: (error: unknown) => boolean,
    private readonly options: GroupCommitOptions<T>,
  ) {}

  /** @throws AppError 503 when too much is waiting already; what the commit throws. */
  add(item: T): Promise<R> {
    if (this.held >= this.options.maxWaiting) {
      return Promise.reject(unavailable('Too much is waiting to be stored; please try again', RETRY_AFTER_SECONDS));
    }
    this.held += 1;
    return new Promise<R>((resolve, reject) => {
      this.waiting.push({ item, bytes: this.options.bytesOf(item), resolve, reject });
      // Not at once: what one caller adds in one go shares a commit and keeps its order.
      if (this.waiting.length === 1 || (this.timer !== null && this.isLarge())) {
        queueMicrotask(() => {
          this.pump();
        });
      }
    });
  }

  private pump(): void {
    while (this.running < this.options.maxConcurrent && this.waiting.length > 0) {
      if (this.waitsForMore()) return;
      if (this.timer !== null) clearTimeout(this.timer);
      this.timer = null;
      void this.run(this.takeGroup());
    }
  }

  /** Whether the next commit is to begin later; sees to it that it does. */
  private waitsForMore(): boolean {
    const { spacing } = this.options;
    if (spacing === undefined || !this.wasShared || this.isLarge()) return false;
    const spacingMs = Math.min(spacing.maxMs, this.durationMs * spacing.perDuration);
    const waitMs = this.beganAt + spacingMs - performance.now();
    if (waitMs <= 0) return false;
    this.timer ??= setTimeout(() => {
      this.timer = null;
      this.pump();
    }, Math.ceil(waitMs));
    return true;
  }

  private isLarge(): boolean {
    return this.waiting.length >= this.options.maxItems * LARGE_SHARE;
  }

  private takeGroup(): typeof this.waiting {
    let bytes = 0;
    let count = 0;
    for (const entry of this.waiting) {
      bytes += entry.bytes;
      if (count > 0 && (count >= this.options.maxItems || bytes > this.options.maxBytes)) break;
      count += 1;
    }
    this.wasShared = count > 1;
    this.beganAt = performance.now();
    return this.waiting.splice(0, count);
  }

  private async run(group: typeof this.waiting): Promise<void> {
    this.running += 1;
    const startedAt = this.beganAt;
    try {
      const results = await this.commit(group.map((entry) => entry.item));
      this.durationMs += (performance.now() - startedAt - this.durationMs) * NEWEST_WEIGHT;
      for (const [index, entry] of group.entries()) entry.resolve(results[index] as R);
    } catch (error) {
      if (group.length === 1 || this.isRetryable(error)) for (const entry of group) entry.reject(error);
      else await this.runOneByOne(group);
    } finally {
      this.running -= 1;
      this.held -= group.length;
      this.pump();
    }
  }

  /** One item that the database refuses must not fail those that happened to share its commit. */
  private async runOneByOne(group: typeof this.waiting): Promise<void> {
    for (const entry of group) {
      try {
        const [result] = await this.commit([entry.item]);
        entry.resolve(result as R);
      } catch (error) {
        entry.reject(error);
      }
    }
  }
}
