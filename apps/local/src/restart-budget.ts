const FIRST_DELAY_MS = 1_000;
const LONGEST_DELAY_MS = 10_000;
const MAX_ENDS = 5;
const WINDOW_MS = 30_000;

/** How long to wait before something that ended is started again, and when to give up on it. */
export class RestartBudget {
  private endsAt: number[] = [];

  /**
   * Notes that it ended at `nowMs`. Answers the delay in milliseconds: one second, doubled for each other end within the
   * last 30 seconds, at most ten; undefined at the fifth.
   */
  noteEnd(nowMs: number): number | undefined {
    this.endsAt = [...this.endsAt.filter((endedAt) => nowMs - endedAt < WINDOW_MS), nowMs];
    if (this.endsAt.length >= MAX_ENDS) return undefined;
    return Math.min(FIRST_DELAY_MS * 2 ** (this.endsAt.length - 1), LONGEST_DELAY_MS);
  }
}
