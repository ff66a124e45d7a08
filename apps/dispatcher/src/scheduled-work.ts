import { Injectable } from '@nestjs/common';
import { Housekeeping } from './retention/housekeeping';
import { Rollup } from './rollup/rollup';

/** What a dispatcher does by the clock beside delivering; scheduled here, since a flushed Redis forgets its schedules. */
@Injectable()
export class ScheduledWork {
  constructor(
    private readonly rollup: Rollup,
    private readonly housekeeping: Housekeeping,
  ) {}

  start(): void {
    this.rollup.start();
    this.housekeeping.start();
  }

  /** Waits for what is under way. */
  async stop(): Promise<void> {
    await Promise.all([this.rollup.stop(), this.housekeeping.stop()]);
  }
}
