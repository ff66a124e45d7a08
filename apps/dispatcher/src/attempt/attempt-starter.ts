import { Inject, Injectable } from '@nestjs/common';
import type { DeliveryClient } from '#delivery-client/delivery-client';
import type { DeliveryWork } from '../lanes/delivery-work';
import { Lanes } from '../lanes/lanes';
import { WebhookHealth } from '../webhooks/health-monitor/webhook-health';
import { Attempt, DELIVERY_CLIENT } from './attempt';

const SWEEP_MS = 250;

/** Starts the attempt of each delivery whose turn has come, and puts deliveries back that are not to be attempted here. */
@Injectable()
export class AttemptStarter {
  private sweeping: NodeJS.Timeout | undefined;

  constructor(
    private readonly lanes: Lanes,
    private readonly attempt: Attempt,
    @Inject(DELIVERY_CLIENT) private readonly client: DeliveryClient,
    health: WebhookHealth,
  ) {
    lanes.events.on('turn', (work) => void this.run(work));
    health.events.on('unreachable', (webhookId, forMs) => {
      this.throttle(webhookId, forMs);
    });
  }

  start(): void {
    this.sweeping = setInterval(() => {
      this.lanes.sweep();
    }, SWEEP_MS);
  }

  /**
   * Puts back what has not started, and interrupts requests that take longer than `graceMs`. Resolves once every outcome
   * is committed. The lanes have to be paused.
   */
  async stop(graceMs: number): Promise<void> {
    const putBack = this.lanes.takeAll().map((work) => this.attempt.finishWithoutRequest(work, 'queued', Date.now()));
    await this.client.close(graceMs);
    await Promise.all(putBack);
    await this.lanes.untilIdle();
    clearInterval(this.sweeping);
  }

  /** The endpoint is unreachable: what waits in its lane goes back to the database until the probe. */
  private throttle(webhookId: string, forMs: number): void {
    for (const work of this.lanes.takeLane(webhookId)) {
      void this.attempt.finishWithoutRequest(work, 'throttled', Date.now() + forMs);
    }
  }

  private async run(work: DeliveryWork): Promise<void> {
    let hasRequestEnded = false;
    await this.attempt.run(work, (signal) => {
      hasRequestEnded = true;
      this.lanes.requestEnded(work, signal);
    });
    this.lanes.finished(work, hasRequestEnded);
  }
}
