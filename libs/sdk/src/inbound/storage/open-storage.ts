import { openPostgres } from './postgres-database';
import { createTables, POSTGRES_LOCK } from './schema.queries';
import type { SqlDatabase } from './sql-database';
import { openSqlite } from './sqlite-database';

/** Opens the storage and makes its tables. @throws Error when it cannot be opened. */
export async function openStorage(options: {
  readonly storage: 'memory' | 'sqlite' | 'postgres';
  readonly dbPath: string;
  readonly databaseUrl: string;
}): Promise<SqlDatabase> {
  const { storage, dbPath, databaseUrl } = options;
  const database =
    storage === 'postgres' ? await openPostgres(databaseUrl) : await openSqlite(storage === 'sqlite' ? dbPath : null);
  try {
    await createTables(database, storage === 'postgres' ? POSTGRES_LOCK : '');
    return database;
  } catch (error) {
    await database.close();
    throw error;
  }
}
