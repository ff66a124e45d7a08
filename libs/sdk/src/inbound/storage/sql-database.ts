export type SqlValue = string | number | Buffer | null;

/** Runs one statement with `$1`, `$2` … and answers its rows; whole numbers come as numbers, bytes as buffers. */
export type Query = <Row extends object = Record<string, never>>(
  sql: string,
  values?: readonly SqlValue[],
) => Promise<Row[]>;

/** What the endpoints are kept in: the statements are the same for SQLite and PostgreSQL. */
export interface SqlDatabase {
  readonly query: Query;
  /** Runs statements that are committed together, or not at all when `work` rejects. */
  transaction<T>(work: (query: Query) => Promise<T>): Promise<T>;
  /** Behind a SELECT of rows to claim, so that processes do not wait for one another; empty where there is one writer. */
  readonly skipLocked: string;
  close(): Promise<void>;
}
