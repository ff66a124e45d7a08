/** What happened of late, so that it is told once and not each time it happens; of bounded size. */
export class Recently {
  private readonly notedAtMs = new Map<string, number>();

  /** @param size the one noted longest ago goes first. */
  constructor(
    private readonly size: number,
    private readonly forMs: number,
  ) {}

  /** @param nowMs of a monotonic clock. */
  has(key: string, nowMs: number): boolean {
    const notedAtMs = this.notedAtMs.get(key);
    return notedAtMs !== undefined && nowMs - notedAtMs < this.forMs;
  }

  note(key: string, nowMs: number): void {
    this.notedAtMs.delete(key);
    this.notedAtMs.set(key, nowMs);
    if (this.notedAtMs.size <= this.size) return;
    const oldest = this.notedAtMs.keys().next();
    if (oldest.done !== true) this.notedAtMs.delete(oldest.value);
  }
}
