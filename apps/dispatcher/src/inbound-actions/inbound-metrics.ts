import { Injectable } from '@nestjs/common';
import { Counter, Histogram, Registry } from 'prom-client';
import type { ActionType } from '#inbound-actions/action-settings';

const SECONDS = [0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 60, 300, 1800];

/** What inbound actions come to; no tenant or endpoint is a label, since their number has no bound. */
@Injectable()
export class InboundMetrics {
  private readonly actions: Counter<'type' | 'outcome'>;
  private readonly seconds: Histogram<'type'>;

  constructor(registry: Registry) {
    this.actions = new Counter({
      name: 'webhooks_inbound_actions_total',
      help: 'Attempts of inbound actions by type and outcome: succeeded, failed, skipped, retrying or put_back.',
      labelNames: ['type', 'outcome'],
      registers: [registry],
    });
    this.seconds = new Histogram({
      name: 'webhooks_inbound_action_duration_seconds',
      help: 'From the claim of a run to its recorded outcome.',
      labelNames: ['type'],
      buckets: SECONDS,
      registers: [registry],
    });
  }

  ran(type: ActionType, outcome: string, durationMs: number): void {
    this.actions.inc({ type, outcome });
    this.seconds.observe({ type }, durationMs / 1_000);
  }
}
