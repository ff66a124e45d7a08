import { Injectable } from '@nestjs/common';
import { Counter, Histogram, Registry } from 'prom-client';
import { uuidTimeMs } from '#kernel/ids';

const SECONDS = [0.002, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 60];
const MINUTES = [0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 5, 30, 60, 300, 1800, 7200, 43200];

/** What the dispatcher counts; no tenant or webhook is a label, since their number has no bound. */
@Injectable()
export class AttemptMetrics {
  private readonly attempts: Counter<'outcome'>;
  private readonly attemptSeconds: Histogram;
  private readonly publishToSuccessSeconds: Histogram;

  constructor(registry: Registry) {
    this.attempts = new Counter({
      name: 'webhooks_attempts_total',
      help: 'Attempts by outcome: success, http_status or the error class.',
      labelNames: ['outcome'],
      registers: [registry],
    });
    this.attemptSeconds = new Histogram({
      name: 'webhooks_attempt_duration_seconds',
      help: 'From connecting to the end of the response.',
      buckets: SECONDS,
      registers: [registry],
    });
    this.publishToSuccessSeconds = new Histogram({
      name: 'webhooks_publish_to_success_seconds',
      help: 'From the acceptance of an event to its successful delivery, retries included.',
      buckets: MINUTES,
      registers: [registry],
    });
  }

  attempt(outcome: string, durationMs: number): void {
    this.attempts.inc({ outcome });
    this.attemptSeconds.observe(durationMs / 1000);
  }

  delivered(eventId: string, atMs: number): void {
    this.publishToSuccessSeconds.observe(Math.max(0, atMs - uuidTimeMs(eventId)) / 1000);
  }
}
