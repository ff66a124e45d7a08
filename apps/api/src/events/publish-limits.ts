import { Injectable } from '@nestjs/common';
import { PublishBudget } from '#accept/publish-budget';
import type { Budget } from '#accept/shared-budget';
import { databaseAway, isDatabaseAway } from '#database/database-errors';
import { AppError } from '#kernel/app-error';
import type { Caller } from '../caller/caller';

/** The tenant's limit of events per second; a tenant without one costs nothing here. */
@Injectable()
export class PublishLimits {
  constructor(private readonly budget: PublishBudget) {}

  /**
   * Takes up to `count` events from the tenant's present second; null when the tenant has no limit.
   * @throws AppError 503 when the database is away.
   */
  admit(caller: Caller, count: number): null | Promise<Budget> {
    const limit = caller.limits.events_per_second;
    return limit === undefined ? null : this.take(caller, limit, count);
  }

  private async take(caller: Caller, limit: number, count: number): Promise<Budget> {
    try {
      return await this.budget.take(caller.tenantId, limit, count);
    } catch (error) {
      if (isDatabaseAway(error)) throw databaseAway(error);
      throw error;
    }
  }
}

/** `RateLimit-*` headers that say how much is left (draft-ietf-httpapi-ratelimit-headers, fields of version 03). */
export function budgetHeaders(budget: Budget): Record<string, string> {
  return {
    'ratelimit-limit': String(budget.limit),
    'ratelimit-remaining': String(budget.remaining),
    'ratelimit-reset': String(budget.resetSeconds),
  };
}

/** The answer to an event beyond the limit. */
export function tooManyEvents(budget: Budget): AppError {
  return new AppError(429, 'rate_limited', `At most ${budget.limit} events per second are allowed`, {
    retryAfterSeconds: budget.resetSeconds,
    headers: budgetHeaders(budget),
  });
}
