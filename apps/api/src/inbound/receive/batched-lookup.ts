interface Wanted<T> {
  found: Promise<T | undefined>;
  resolve: (row: T | undefined) => void;
  reject: (error: unknown) => void;
}

/** Looks rows up by keys: one statement at a time, for all who came while the one before was under way. */
export class BatchedLookup<T> {
  private waiting = new Map<string, Wanted<T>>();
  private isRunning = false;

  /**
   * @param load answers the rows that there are.
   * @param keysOf the keys by which a row may have been asked for.
   */
  constructor(
    private readonly load: (keys: string[]) => Promise<T[]>,
    private readonly keysOf: (row: T) => string[],
  ) {}

  /** @throws what loading throws. */
  find(key: string): Promise<T | undefined> {
    // One under way may have read before a change that its caller knows of; it is shared only before it begins.
    const wanted = this.waiting.get(key) ?? newWanted<T>();
    this.waiting.set(key, wanted);
    if (!this.isRunning) void this.run();
    return wanted.found;
  }

  private async run(): Promise<void> {
    this.isRunning = true;
    while (this.waiting.size > 0) {
      const underWay = this.waiting;
      this.waiting = new Map();
      try {
        const rows = await this.load([...underWay.keys()]);
        const rowOf = new Map(rows.flatMap((row) => this.keysOf(row).map((key) => [key, row] as const)));
        for (const [key, { resolve }] of underWay) resolve(rowOf.get(key));
      } catch (error) {
        for (const { reject } of underWay.values()) reject(error);
      }
    }
    this.isRunning = false;
  }
}

function newWanted<T>(): Wanted<T> {
  let resolve!: (row: T | undefined) => void;
  let reject!: (error: unknown) => void;
  const found = new Promise<T | undefined>((fulfil, refuse) => {
    resolve = fulfil;
    reject = refuse;
  });
  return { found, resolve, reject };
}
