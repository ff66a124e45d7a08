import type { Pool } from 'pg';
import { inTransaction } from '#database/in-transaction';
import { releaseRunsOf } from '../inbound-actions/record-runs.queries';

/** Batches due for longer than `graceMs` that nobody has fanned out: their signal was lost, or is late. */
export async function findOverdueBatches(pool: Pool, graceMs: number, limit: number): Promise<string[]> {
  const result = await pool.query<{ id: string }>({
    name: 'find-overdue-batches',
    text: `SELECT id FROM event_batches WHERE key_hash IS NULL AND owner IS NULL AND due_at <= now() - make_interval(secs => $1 / 1000.0)
           ORDER BY due_at, id LIMIT $2 FOR UPDATE SKIP LOCKED`,
    values: [graceMs, limit],
  });
  return result.rows.map((row) => row.id);
}

/**
 * The same of batches of ordering keys: the first of each key, since the others follow it. Jumps from key to key in the
 * index, however many batches a key has.
 * @param after the key to begin behind; null for the first
 */
export async function findOverdueKeys(
  pool: Pool,
  graceMs: number,
  after: Buffer | null,
  limit: number,
): Promise<{ batchIds: string[]; after: Buffer | null }> {
  const result = await pool.query<{ id: string; key_hash: Buffer }>({
    name: 'find-overdue-keys',
    text: `
      WITH RECURSIVE firsts AS (
        (SELECT key_hash, id, due_at FROM event_batches WHERE key_hash IS NOT NULL AND key_hash > coalesce($2, '\\x'::bytea)
         ORDER BY key_hash, position LIMIT 1)
        UNION ALL
        SELECT next.key_hash, next.id, next.due_at FROM firsts CROSS JOIN LATERAL (
          SELECT key_hash, id, due_at FROM event_batches f WHERE f.key_hash IS NOT NULL AND f.key_hash > firsts.key_hash
          ORDER BY f.key_hash, f.position LIMIT 1) next
      )
      SELECT id, key_hash FROM firsts WHERE due_at <= now() - make_interval(secs => $1 / 1000.0) LIMIT $3`,
    values: [graceMs, after, limit],
  });
  const last = result.rows.length < limit ? null : (result.rows.at(-1)?.key_hash ?? null);
  return { batchIds: result.rows.map((row) => row.id), after: last };
}

/** Dispatchers that run, or ran, where this one can look at their processes. */
export async function findNeighbours(
  pool: Pool,
  namespace: string,
): Promise<{ id: string; pid: number; startTicks: string }[]> {
  const result = await pool.query<{ id: string; pid: number; process_start_ticks: string }>({
    name: 'find-neighbours',
    text: 'SELECT id, pid, process_start_ticks FROM dispatchers WHERE process_namespace = $1',
    values: [namespace],
  });
  return result.rows.map((row) => ({ id: row.id, pid: row.pid, startTicks: row.process_start_ticks }));
}

/**
 * Declares dispatchers dead that have not renewed their row for `silentForMs` (null: for however long) or are known
 * to have ended, and lets their deliveries and actions wait for another. Two statements in one transaction: the second must see
 * what a fan-out committed while the first waited for its lock on the row.
 * @returns how many dispatchers were dead, and how many deliveries, open batches and inbound actions were taken back.
 */
export async function takeOver(
  pool: Pool,
  dead: { silentForMs: number | null; ended: string[] },
): Promise<{ dispatchers: number; deliveries: number; batches: number; actions: number }> {
  return inTransaction(pool, async (client) => {
    const gone = await client.query<{ id: string }>({
      text: `
        DELETE FROM dispatchers WHERE id IN (
          SELECT id FROM dispatchers WHERE heartbeat_at < now() - make_interval(secs => $1 / 1000.0) OR id = ANY($2::uuid[])
          FOR UPDATE SKIP LOCKED)
        RETURNING id`,
      values: [dead.silentForMs, dead.ended],
    });
    const owners = gone.rows.map((row) => row.id);
    if (owners.length === 0) return { dispatchers: 0, deliveries: 0, batches: 0, actions: 0 };
    const deliveries = await release(client, `d.owner = ANY($1::uuid[])`, [owners]);
    // What is open was due, so what is scheduled need not be looked through.
    const batches = await client.query(
      'UPDATE event_batches SET owner = NULL WHERE due_at <= now() AND owner = ANY($1::uuid[])',
      [owners],
    );
    const actions = await releaseRunsOf(client, owners);
    return { dispatchers: owners.length, deliveries, batches: batches.rowCount ?? 0, actions };
  });
}

/**
 * Lets deliveries and open batches wait for anyone whose owner has no row: none should ever have one, since both are written under
 * a lock on the row, so this is a second wall. Jumps from owner to owner in the index.
 */
export async function releaseOwnerless(pool: Pool): Promise<number> {
  const result = await pool.query<{ owner: string }>(`
    WITH RECURSIVE owners AS (
      (SELECT owner FROM deliveries WHERE owner IS NOT NULL ORDER BY owner LIMIT 1)
      UNION ALL
      SELECT (SELECT d.owner FROM deliveries d WHERE d.owner > owners.owner ORDER BY d.owner LIMIT 1)
      FROM owners WHERE owners.owner IS NOT NULL
    )
    SELECT owner FROM owners WHERE owner IS NOT NULL AND NOT EXISTS (SELECT FROM dispatchers d WHERE d.id = owner)`);
  const batches = await pool.query(
    `UPDATE event_batches f SET owner = NULL WHERE f.due_at <= now() AND f.owner IS NOT NULL
       AND NOT EXISTS (SELECT FROM dispatchers d WHERE d.id = f.owner)`,
  );
  const released = batches.rowCount ?? 0;
  if (result.rows.length === 0) return released;
  return released + (await release(pool, `d.owner = ANY($1::uuid[])`, [result.rows.map((row) => row.owner)]));
}

/** A delivery that a dispatcher took, and the count of how often it was taken. */
export interface OwnedDelivery {
  id: string;
  epoch: number;
}

/** Deliveries that the database shows as this dispatcher's. */
export async function findOwned(pool: Pool, dispatcherId: string): Promise<OwnedDelivery[]> {
  const result = await pool.query<OwnedDelivery>(
    `SELECT id, epoch FROM deliveries WHERE owner = $1 AND status = 'pending'`,
    [dispatcherId],
  );
  return result.rows;
}

/** Lets deliveries of this dispatcher that are in none of its lanes wait for anyone. */
export async function releaseOrphans(pool: Pool, dispatcherId: string, orphans: OwnedDelivery[]): Promise<number> {
  return release(pool, 'd.owner = $1 AND (d.id, d.epoch) IN (SELECT * FROM unnest($2::uuid[], $3::integer[]))', [
    dispatcherId,
    orphans.map(({ id }) => id),
    orphans.map(({ epoch }) => epoch),
  ]);
}

async function release(queryable: Pick<Pool, 'query'>, condition: string, values: unknown[]): Promise<number> {
  const result = await queryable.query(
    `WITH released AS (
       UPDATE deliveries d SET owner = NULL, state = CASE WHEN d.attempts = 0 THEN 'queued' ELSE 'retrying' END, next_attempt_at = now()
       WHERE ${condition} AND d.status = 'pending' RETURNING d.id, d.tenant_id, d.webhook_id, d.event_id
     )
     INSERT INTO waiting_deliveries (delivery_id, tenant_id, webhook_id, due_at, priority)
     SELECT r.id, r.tenant_id, r.webhook_id, now(), coalesce((SELECT priority FROM events e WHERE e.id = r.event_id), 0) FROM released r ON CONFLICT (delivery_id) DO NOTHING`,
    values,
  );
  return result.rowCount ?? 0;
}
