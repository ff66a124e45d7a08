import type { Pool } from 'pg';
import { SharedBudget, type Budget } from './shared-budget';

/** Limits of events per second that all API instances share. */
export class PublishBudget {
  private readonly budget: SharedBudget;

  constructor(pool: Pool) {
    this.budget = new SharedBudget(async (tenantId, count) => {
      const answer = await pool.query<{ taken: number; left_ms: number }>({
        name: 'reserve-publishing',
        text: `
          INSERT INTO publish_rate_windows AS w (tenant_id, second, taken) VALUES ($1, floor(extract(epoch FROM clock_timestamp())), $2)
          ON CONFLICT (tenant_id) DO UPDATE SET second = excluded.second,
            taken = least(excluded.taken + CASE WHEN w.second = excluded.second THEN w.taken ELSE 0 END, 1000000000)
          RETURNING taken, ((second + 1) * 1000 - extract(epoch FROM clock_timestamp()) * 1000)::float8 AS left_ms`,
        values: [tenantId, count],
      });
      const row = answer.rows[0];
      return { taken: row?.taken ?? 0, leftMs: row?.left_ms ?? 0 };
    });
  }

  /** Takes up to `count` events from the present second. @throws what the driver throws when the database is away. */
  take(tenantId: string, limit: number, count: number): Promise<Budget> {
    return this.budget.take(tenantId, limit, 1, count);
  }
}
