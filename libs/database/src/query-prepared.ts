import type { PoolClient } from 'pg';
import type { EntityManager } from 'typeorm';

const names = new Map<string, string>();

/**
 * Runs a statement that each connection plans but once, within `TenantDatabase.read`: over partitions, planning
 * takes longer than most reads. For texts of which there are few, since each connection keeps a plan for each.
 */
export async function queryPrepared<R>(manager: EntityManager, text: string, values: unknown[]): Promise<R[]> {
  const name = names.get(text) ?? `prepared-${String(names.size + 1)}`;
  names.set(text, name);
  const client = (await manager.queryRunner?.connect()) as Pick<PoolClient, 'query'>;
  const { rows } = await client.query({ name, text, values });
  return rows as R[];
}
