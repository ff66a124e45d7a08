import { runMigrations } from 'bullmq';
import { Client } from 'pg';
import { migrationDataSource } from './data-source';

/** Serialises migrations of several instances; any constant does, it must only stay the same. */
const MIGRATION_LOCK = 7_206_154_883;

/**
 * Brings the database to the newest schema: ours and BullMQ's (which is there even where Redis carries
 * the queues, so that changing over needs no migration). Doing it twice changes nothing.
 * @returns the names of the migrations that ran.
 * @throws what the driver throws when the database is away or a migration fails; nothing is half done then.
 */
export async function migrate(databaseUrl: string): Promise<string[]> {
  const lock = new Client({ connectionString: databaseUrl, application_name: 'webhooks-migrate' });
  await lock.connect();
  try {
    await lock.query('SELECT pg_advisory_lock($1)', [MIGRATION_LOCK]);
    const dataSource = await migrationDataSource(databaseUrl).initialize();
    try {
      const ran = await dataSource.runMigrations();
      await runMigrations(lock);
      await lock.query(QUEUE_GRANTS);
      return ran.map((migration) => migration.name);
    } finally {
      await dataSource.destroy();
    }
  } finally {
    await lock.end();
  }
}

/** BullMQ's tables belong to whoever migrates; the apps use them as `webhooks_service`. */
const QUEUE_GRANTS = `
  GRANT USAGE ON SCHEMA bullmq TO webhooks_service;
  GRANT SELECT, INSERT, UPDATE, DELETE, TRUNCATE ON ALL TABLES IN SCHEMA bullmq TO webhooks_service;
  GRANT USAGE ON ALL SEQUENCES IN SCHEMA bullmq TO webhooks_service;
`;
