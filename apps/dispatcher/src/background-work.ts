import { Inject, Injectable } from '@nestjs/common';
import { InboundActions } from './inbound-actions/inbound-actions';
import type { Periodic } from './periodic/periodic';
import { Reconciler } from './reconcile/reconciler';

/** Injection token of everything that runs by the clock. Scheduled here, since a flushed Redis loses its schedules. */
export const SCHEDULED_WORK = Symbol('scheduled work');

/** What a dispatcher does beside delivering: reconciling, inbound actions and scheduled work. */
@Injectable()
export class BackgroundWork {
  constructor(
    private readonly reconciler: Reconciler,
    private readonly inbound: InboundActions,
    @Inject(SCHEDULED_WORK) private readonly scheduled: readonly Periodic[],
  ) {}

  start(): void {
    this.inbound.start();
    this.reconciler.start();
    for (const work of this.scheduled) work.start();
  }

  /** First: nothing may be taken over or claimed any more. */
  async stopReconciling(): Promise<void> {
    await this.reconciler.stop();
  }

  /** Lets inbound actions under way finish for up to `graceMs`. */
  async stopInbound(graceMs: number): Promise<void> {
    await this.inbound.stop(graceMs);
  }

  /** Waits for the scheduled work under way. */
  async stop(): Promise<void> {
    await Promise.all(this.scheduled.map((work) => work.stop()));
  }
}
