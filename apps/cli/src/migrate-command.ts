import { setTimeout as delay } from 'node:timers/promises';
import { isDatabaseAway } from '#database/database-errors';
import { migrate } from '#database/migrate';

const WAIT_MS = 60_000;
const RETRY_MS = 1_000;

/** Migrates the database at DATABASE_URL, waiting up to a minute for it. */
export async function migrateCommand(): Promise<number> {
  const databaseUrl = process.env['DATABASE_URL'];
  if (databaseUrl === undefined || databaseUrl === '') {
    console.error('DATABASE_URL is required');
    return 1;
  }
  const deadlineMs = performance.now() + WAIT_MS;
  for (;;) {
    try {
      const ran = await migrate(databaseUrl);
      console.log(ran.length === 0 ? 'The database is up to date.' : `Migrated: ${ran.join(', ')}`);
      return 0;
    } catch (error) {
      const problem = messageOf(error);
      if (!isDatabaseAway(error) || performance.now() >= deadlineMs) {
        console.error(`The database was not migrated: ${problem}`);
        return 1;
      }
      console.log(`Waiting for the database: ${problem}`);
      await delay(RETRY_MS);
    }
  }
}

/** An AggregateError, as of a refused connection to localhost, has no message of its own. */
function messageOf(error: unknown): string {
  if (error instanceof AggregateError && error.message === '') return error.errors.map(messageOf).join('; ');
  return error instanceof Error ? error.message : String(error);
}
