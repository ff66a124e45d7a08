import { Inject, Injectable } from '@nestjs/common';
import type { Pool } from 'pg';
import { SERVICE_POOL } from '#database/database.module';
import type { Logger } from '#observability/logger';
import { LOGGER } from '#observability/observability.module';
import { Periodic } from '../periodic/periodic';

const EVERY_MS = 10 * 60_000;
const KEYS_PER_STATEMENT = 5_000;
const KEEP_REDELIVERY_JOBS_DAYS = 30;

/** Makes partitions weeks ahead, and purges expired keys, in small batches, replaced secrets that no longer sign, and bulk redeliveries that ended long ago. */
@Injectable()
export class Housekeeping extends Periodic {
  constructor(@Inject(SERVICE_POOL) pool: Pool, @Inject(LOGGER) logger: Logger) {
    super(
      'housekeeping',
      EVERY_MS,
      async (signal) => {
        await pool.query(`SELECT ensure_partitions(now() - interval '1 day', now() + interval '28 days')`);
        while (!signal.aborted && (await purgeExpiredKeys(pool)) === KEYS_PER_STATEMENT);
        await eraseExpiredKeys(pool);
        while (!signal.aborted && (await forgetIdleOrderingKeys(pool)) === KEYS_PER_STATEMENT);
        await pool.query('DELETE FROM redelivery_jobs WHERE finished_at < now() - make_interval(days => $1)', [
          KEEP_REDELIVERY_JOBS_DAYS,
        ]);
      },
      logger,
    );
  }
}

/** Secrets and signing keys that were replaced and no longer sign. */
export async function eraseExpiredKeys(pool: Pool): Promise<void> {
  await pool.query('DELETE FROM retiring_secrets WHERE expires_at <= now()');
  await pool.query('DELETE FROM signing_keys WHERE expires_at <= now()');
}

async function purgeExpiredKeys(pool: Pool): Promise<number> {
  const answer = await pool.query(
    `DELETE FROM idempotency_keys WHERE (tenant_id, key_hash) IN (
       SELECT tenant_id, key_hash FROM idempotency_keys WHERE expires_at <= now() ORDER BY expires_at LIMIT $1 FOR UPDATE SKIP LOCKED)`,
    [KEYS_PER_STATEMENT],
  );
  return answer.rowCount ?? 0;
}

/** Positions come from one sequence, so those of a key grow also after it was forgotten. */
async function forgetIdleOrderingKeys(pool: Pool): Promise<number> {
  const answer = await pool.query(
    `DELETE FROM ordering_keys WHERE used_at < now() - interval '1 hour' AND key_hash IN (
       SELECT key_hash FROM ordering_keys WHERE used_at < now() - interval '1 hour' LIMIT $1 FOR UPDATE SKIP LOCKED)`,
    [KEYS_PER_STATEMENT],
  );
  return answer.rowCount ?? 0;
}
