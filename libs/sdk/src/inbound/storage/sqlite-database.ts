import { closeSync, openSync } from 'node:fs';
import { resolve } from 'node:path';
import { types } from 'node:util';
import type { Query, SqlDatabase } from './sql-database';

/** What is used of `libsql`, whose types come in a package of their own. */
interface Sqlite {
  exec(sql: string): void;
  prepare(sql: string): { all(values: unknown[]): Record<string, unknown>[] };
  close(): void;
}

/** A writer of another process is waited for so long. */
const BUSY_MS = 5_000;
const OWNER_ONLY = 0o600;

/**
 * Opens a file, or memory for null. A commit is on the disk when it returns (`synchronous = FULL`), and what a killed
 * process left behind is taken up by the next one that opens the file.
 */
export async function openSqlite(path: string | null): Promise<SqlDatabase> {
  const { default: Database } = (await import('libsql')) as unknown as { default: new (path: string) => Sqlite };
  if (path !== null) createFile(path);
  const connection = new Database(path === null ? ':memory:' : resolve(path));
  connection.exec(`PRAGMA busy_timeout = ${BUSY_MS}`);
  connection.exec('PRAGMA journal_mode = WAL');
  connection.exec('PRAGMA synchronous = FULL');

  const statements = new Map<string, ReturnType<Sqlite['prepare']>>();
  // The connection is one: what is not part of a transaction must not come in between.
  let turn: Promise<unknown> = Promise.resolve();

  const run: Query = <Row extends object>(sql: string, values: readonly unknown[] = []) =>
    new Promise<Row[]>((settle) => {
      const statement = statements.get(sql) ?? connection.prepare(sql.replaceAll(/\$(\d+)/g, '?$1'));
      statements.set(sql, statement);
      settle(statement.all([...values]).map(withBuffers) as Row[]);
    });

  function inTurn<T>(work: () => Promise<T>): Promise<T> {
    const mine = turn.then(work, work);
    turn = mine.catch(() => undefined); // whoever asked is told
    return mine;
  }

  return {
    query: (sql, values) => inTurn(() => run(sql, values)),
    transaction: (work) =>
      inTurn(async () => {
        connection.exec('BEGIN IMMEDIATE');
        try {
          const result = await work(run);
          connection.exec('COMMIT');
          return result;
        } catch (error) {
          connection.exec('ROLLBACK');
          throw error;
        }
      }),
    skipLocked: '',
    close: () =>
      inTurn(() => {
        connection.close();
        return Promise.resolve();
      }),
  };
}

/** The file holds secrets. @throws Error when its directory is not there or may not be written to. */
function createFile(path: string): void {
  try {
    closeSync(openSync(resolve(path), 'a', OWNER_ONLY));
  } catch (cause) {
    throw new Error(`dbPath: ${path} cannot be written (${(cause as Error).message})`, { cause });
  }
}

function withBuffers(row: Record<string, unknown>): Record<string, unknown> {
  for (const [name, value] of Object.entries(row)) {
    if (types.isArrayBuffer(value)) row[name] = Buffer.from(value);
  }
  return row;
}
