/** Many ids in one row, as `string_agg(id::text, ',')` makes it: reading a row for each would cost `pg` ten times as much. */
export interface IdsRow {
  /** Null when there are none. */
  ids: string | null;
}

export function idsOf(result: { rows: readonly IdsRow[] }): Set<string> {
  return new Set(result.rows[0]?.ids?.split(','));
}
