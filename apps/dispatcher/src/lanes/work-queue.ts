import type { DeliveryWork } from './delivery-work';

type Level = 0 | 1 | 2;

/**
 * Whose turn it is among high (0), normal (1) and low (2): six, three and one of ten. A level that has nothing
 * leaves its turn to the highest that has.
 */
const TURNS: readonly Level[] = [0, 0, 1, 0, 0, 1, 0, 1, 0, 2];

/** Deliveries of one lane by priority, each level first in first out; a low one waits for at most ten turns. */
export class WorkQueue {
  private readonly levels: [DeliveryWork[], DeliveryWork[], DeliveryWork[]] = [[], [], []];
  private turn = 0;

  get length(): number {
    return this.levels[0].length + this.levels[1].length + this.levels[2].length;
  }

  push(work: DeliveryWork): void {
    const { priority } = work.event;
    this.levels[priority > 0 ? 0 : priority < 0 ? 2 : 1].push(work);
  }

  shift(): DeliveryWork | undefined {
    const level = TURNS[this.turn % TURNS.length] ?? 0;
    this.turn += 1;
    const own = this.levels[level].shift();
    return own ?? this.levels.find((works) => works.length > 0)?.shift();
  }

  /** Takes everything out. */
  takeAll(): DeliveryWork[] {
    return this.levels.flatMap((works) => works.splice(0));
  }
}
