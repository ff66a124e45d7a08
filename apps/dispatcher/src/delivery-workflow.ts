import { Injectable } from '@nestjs/common';
import { AttemptStarter } from './attempt/attempt-starter';
import { OpenBatches } from './batches/open-batches';
import { FanOut } from './fan-out/fan-out';
import { Lanes } from './lanes/lanes';
import { Claims } from './retry/claims';
import { WebhookHealth } from './webhooks/health-monitor/webhook-health';

/** The steps of a delivery, started and stopped in the order in which they pass deliveries on. */
@Injectable()
export class DeliveryWorkflow {
  constructor(
    private readonly lanes: Lanes,
    private readonly openBatches: OpenBatches,
    private readonly fanOut: FanOut,
    private readonly claims: Claims,
    private readonly attempts: AttemptStarter,
    health: WebhookHealth,
  ) {
    lanes.events.on('wanted', (webhook) => {
      claims.wantMore(webhook);
    });
    health.events.on('reachable', (webhook) => {
      claims.wantMore(webhook);
    });
  }

  start(): void {
    this.attempts.start();
    this.openBatches.start();
  }

  /** This dispatcher was declared dead: what it holds and has not started belongs to others now. */
  forget(): void {
    this.openBatches.forget();
    this.lanes.takeAll();
  }

  /**
   * Resolves once nothing is in flight and every outcome is committed.
   * @param meanwhile runs while requests under way get `graceMs` to end.
   */
  async stop(graceMs: number, meanwhile: () => Promise<void>): Promise<void> {
    await this.fanOut.stop();
    this.lanes.pause();
    await this.claims.untilIdle(); // what it pushed into lanes is put back by the next line
    await Promise.all([this.attempts.stop(graceMs), meanwhile()]);
    await this.openBatches.stop();
  }
}
