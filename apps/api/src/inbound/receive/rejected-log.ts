import { Inject, Injectable } from '@nestjs/common';
import type { Logger } from '#observability/logger';
import { LOGGER } from '#observability/observability.module';
import type { ReceivedRequest } from './received-request';
import { RequestIntake } from './request-intake';

/** Rejected requests kept of one endpoint in a second: enough to see what is wrong, too few to fill a disk. */
const PER_SECOND = 20;
const MAX_ENDPOINTS = 10_000;

/** Keeps rejected requests of endpoints in debug mode; their senders do not wait for it. */
@Injectable()
export class RejectedLog {
  private second = 0;
  private readonly kept = new Map<string, number>();

  constructor(
    private readonly intake: RequestIntake,
    @Inject(LOGGER) private readonly logger: Logger,
  ) {}

  /** Never throws. */
  note(request: ReceivedRequest): void {
    if (!this.mayKeep(request.endpointId, Math.floor(performance.now() / 1_000))) return;
    this.intake.store(request).catch((error: unknown) => {
      this.logger.warn({ endpoint: request.endpointId, error: String(error) }, 'a rejected request was not logged');
    });
  }

  private mayKeep(endpointId: string, second: number): boolean {
    if (second !== this.second || this.kept.size > MAX_ENDPOINTS) {
      this.second = second;
      this.kept.clear();
    }
    const kept = this.kept.get(endpointId) ?? 0;
    this.kept.set(endpointId, kept + 1);
    return kept < PER_SECOND;
  }
}
