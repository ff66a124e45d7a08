import { Inject, Injectable } from '@nestjs/common';
import { Pool } from 'pg';
import { SharedBudget, type Budget } from '#accept/shared-budget';
import { SERVICE_POOL } from '#database/database.module';
import type { ReceivingEndpoint } from './receiving-endpoint';

const RESERVE = `
  INSERT INTO inbound_rate_windows AS w (endpoint_id, tenant_id, number, taken)
  SELECT e.id, e.tenant_id, floor(extract(epoch FROM clock_timestamp()) / $3), $2 FROM inbound_endpoints e WHERE e.id = $1
  ON CONFLICT (endpoint_id) DO UPDATE SET number = excluded.number,
    taken = least(excluded.taken + CASE WHEN w.number = excluded.number THEN w.taken ELSE 0 END, 1000000000)
  RETURNING taken, (((number + 1) * $3 - extract(epoch FROM clock_timestamp())) * 1000)::float8 AS left_ms`;

/** Limits of requests to an endpoint, over all API instances; an endpoint without one costs nothing here. */
@Injectable()
export class EndpointBudget {
  private readonly budget: SharedBudget;

  constructor(@Inject(SERVICE_POOL) pool: Pool) {
    this.budget = new SharedBudget(async (endpointId, count, windowSeconds) => {
      const answer = await pool.query<{ taken: number; left_ms: number }>({
        name: 'reserve-inbound',
        text: RESERVE,
        values: [endpointId, count, windowSeconds],
      });
      const row = answer.rows[0];
      return { taken: row?.taken ?? 0, leftMs: row?.left_ms ?? 0 };
    });
  }

  /** Takes one request from the endpoint's present window; null when it has no limit. */
  async take({ id, rateLimit }: ReceivingEndpoint): Promise<Budget | null> {
    if (rateLimit === null) return null;
    return this.budget.take(id, rateLimit.requests, rateLimit.per_seconds, 1);
  }
}
