import type { Pool } from 'pg';
import type { SecretBox } from './secret-box';
import type { SealedColumn } from './sealed-columns';

const ROWS_PER_STATEMENT = 500;
const FIRST_ID = '00000000-0000-0000-0000-000000000000';

/** What became of a column. */
export interface ResealedColumn {
  resealed: number;
  /** By key (8 hex digits), of those that could not be opened. */
  unreadable: Map<string, number>;
}

/**
 * Seals everything in a column anew that was sealed with another key than the box's own. Rows that change meanwhile are
 * left to a further round. What does not open stays as it is.
 */
export async function resealColumn(pool: Pool, box: SecretBox, sealed: SealedColumn): Promise<ResealedColumn> {
  const found: ResealedColumn = { resealed: 0, unreadable: new Map() };
  for (let afterId = FIRST_ID; ;) {
    const rows = await readOthers(pool, box, sealed, afterId);
    const last = rows.at(-1);
    if (last === undefined) return found;
    afterId = last.id;
    const opened = rows.flatMap(({ id, box: old }) => {
      const fresh = resealed(box, old, sealed.context(id));
      const keyId = box.keyIdOf(old);
      if (fresh === null) found.unreadable.set(keyId, (found.unreadable.get(keyId) ?? 0) + 1);
      return fresh === null ? [] : [{ id, old, fresh }];
    });
    found.resealed += await replace(pool, sealed, opened);
  }
}

function resealed(box: SecretBox, old: Buffer, context: string): Buffer | null {
  try {
    return box.seal(box.unseal(old, context), context);
  } catch {
    return null;
  }
}

async function readOthers(
  pool: Pool,
  box: SecretBox,
  { table, column }: SealedColumn,
  afterId: string,
): Promise<{ id: string; box: Buffer }[]> {
  const { rows } = await pool.query<{ id: string; box: Buffer }>(
    `SELECT id, ${column} AS box FROM ${table}
     WHERE id > $1 AND substring(${column} FROM 2 FOR 4) <> decode($2, 'hex') ORDER BY id LIMIT $3`,
    [afterId, box.keyId, ROWS_PER_STATEMENT],
  );
  return rows;
}

async function replace(
  pool: Pool,
  { table, column }: SealedColumn,
  boxes: { id: string; old: Buffer; fresh: Buffer }[],
): Promise<number> {
  const result = await pool.query(
    `UPDATE ${table} SET ${column} = changed.fresh
     FROM unnest($1::uuid[], $2::bytea[], $3::bytea[]) AS changed(id, old, fresh)
     WHERE ${table}.id = changed.id AND ${table}.${column} = changed.old`,
    [boxes.map(({ id }) => id), boxes.map(({ old }) => old), boxes.map(({ fresh }) => fresh)],
  );
  return result.rowCount ?? 0;
}
