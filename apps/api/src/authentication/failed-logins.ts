import { Inject, Injectable } from '@nestjs/common';
import { Counter, Registry } from 'prom-client';
import { ENVIRONMENT } from '#config/config.module';
import type { Environment } from '#config/environment';
import { AppError } from '#kernel/app-error';
import type { Logger } from '#observability/logger';
import { LOGGER } from '#observability/observability.module';

const WINDOW_MS = 60_000;
/** Networks remembered at once; the one that failed first goes first. */
const MAX_NETWORKS = 10_000;

interface Failures {
  count: number;
  sinceMs: number;
}

/**
 * Slows down who tries tokens: after so many refused ones within a minute, a network is told to wait until the minute
 * is over. Who was let in from there before still is, see {@link TokenWatch}.
 */
@Injectable()
export class FailedLogins {
  private readonly failures = new Map<string, Failures>();
  private readonly perMinute: number;
  private readonly refused: Counter;
  private isWarned = false;

  constructor(
    @Inject(ENVIRONMENT) { maxFailedLoginsPerMinute }: Environment,
    @Inject(Registry) registry: Registry,
    @Inject(LOGGER) private readonly logger: Logger,
  ) {
    this.perMinute = maxFailedLoginsPerMinute;
    this.refused = new Counter({
      name: 'webhooks_refused_tokens_total',
      help: 'Tokens that were refused, by reason; slowed: not even looked at',
      labelNames: ['reason'],
      registers: [registry],
    });
  }

  /**
   * Refuses a network that has to wait.
   * @param network null where the client cannot be told.
   * @param nowMs of a monotonic clock.
   * @throws AppError 429.
   */
  refuseSlowed(network: string | null, nowMs: number): void {
    if (network === null || !this.isSlowed(network, nowMs)) return;
    this.refused.inc({ reason: 'slowed' });
    const retryAfterSeconds = Math.max(1, Math.ceil(this.waitMs(network, nowMs) / 1_000));
    const message = `Too many tokens from your address were refused; try again in ${retryAfterSeconds} s`;
    throw new AppError(429, 'too_many_failed_logins', message, { retryAfterSeconds });
  }

  isSlowed(network: string, nowMs: number): boolean {
    return this.failures.size > 0 && this.waitMs(network, nowMs) > 0;
  }

  note(network: string | null, reason: string, nowMs: number): void {
    this.refused.inc({ reason });
    if (network === null) {
      this.warn();
      return;
    }
    const known = this.failures.get(network);
    if (known !== undefined && nowMs - known.sinceMs < WINDOW_MS) {
      known.count += 1;
      return;
    }
    this.failures.delete(network);
    this.failures.set(network, { count: 1, sinceMs: nowMs });
    if (this.failures.size <= MAX_NETWORKS) return;
    const oldest = this.failures.keys().next();
    if (oldest.done !== true) this.failures.delete(oldest.value);
  }

  private waitMs(network: string, nowMs: number): number {
    const known = this.failures.get(network);
    if (known === undefined || this.perMinute === 0 || known.count < this.perMinute) return 0;
    return Math.max(0, known.sinceMs + WINDOW_MS - nowMs);
  }

  private warn(): void {
    if (this.isWarned) return;
    this.isWarned = true;
    this.logger.warn('a proxy that TRUSTED_PROXIES does not name hides the clients: refused tokens slow nobody down');
  }
}
