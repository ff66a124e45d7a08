import type { LoadResult, ReceivedResult, Target } from '../load/load-messages';

/** What was promised with a 202 and what came of it, over all loads of a pipeline; keys are path and event id. */
export class Ledger {
  private readonly due = new Set<string>();
  private readonly succeeded = new Map<string, number>();
  private forged = 0;
  /** Events that were accepted, whoever wants them. */
  accepted = 0;

  /** Deliveries that have to succeed. */
  get promised(): number {
    return this.due.size;
  }

  /** Requests answered 200 beyond the first of each delivery. */
  get duplicates(): number {
    let count = 0;
    for (const times of this.succeeded.values()) count += times - 1;
    return count;
  }

  promise(targets: readonly Target[], load: LoadResult): void {
    for (const [request, ids] of load.eventIds.entries()) {
      const paths = targets[load.target[request] ?? 0]?.paths ?? [];
      this.accepted += ids.length;
      for (const id of ids) for (const path of paths) this.due.add(`${path} ${id}`);
    }
  }

  receive(received: ReceivedResult): void {
    this.forged += received.forged;
    for (const [index, key] of received.keys.entries())
      if (received.status[index] === 200) this.succeeded.set(key, (this.succeeded.get(key) ?? 0) + 1);
  }

  /**
   * In words, where it is not so that each promise was received once and is in the history, and nothing else.
   * @param duplicatesAllowed requests that may have been made twice.
   */
  disagreements(recorded: readonly string[], duplicatesAllowed: number): string[] {
    const history = new Set(recorded);
    const problems: string[] = [];
    const expectNone = (what: string, keys: string[]): void => {
      if (keys.length > 0) problems.push(`${String(keys.length)} ${what}, such as ${String(keys[0])}`);
    };
    const due = [...this.due];
    expectNone(
      'accepted and never received',
      due.filter((key) => !this.succeeded.has(key)),
    );
    expectNone(
      'received without being due',
      [...this.succeeded.keys()].filter((key) => !this.due.has(key)),
    );
    expectNone(
      'accepted and not in the history as delivered',
      due.filter((key) => !history.has(key)),
    );
    expectNone(
      'in the history without being due',
      [...history].filter((key) => !this.due.has(key)),
    );
    if (history.size !== recorded.length)
      problems.push(`${String(recorded.length - history.size)} twice in the history`);
    if (this.duplicates > duplicatesAllowed)
      problems.push(`${String(this.duplicates)} received more than once; ${String(duplicatesAllowed)} are allowed`);
    if (this.forged > 0) problems.push(`${String(this.forged)} with a wrong signature`);
    return problems;
  }
}
