import type { Pool } from 'pg';
import { findWorthFolding, foldDeltas } from '../../apps/dispatcher/src/rollup/rollup.queries';

/** Folds everything that was counted so far, of every webhook. */
export async function foldAll(pool: Pool): Promise<void> {
  const due = await findWorthFolding(pool, { atLeast: 1, orOfFew: 0, orOfSlice: 0 });
  await foldDeltas(
    pool,
    due.map(({ webhookId }) => webhookId),
    10_000,
  );
}
