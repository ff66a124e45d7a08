import type { MigrationInterface, QueryRunner } from 'typeorm';

/** Batches of events whose deliveries a dispatcher sends before they have rows of their own. */
export class OpenBatches1795600000000 implements MigrationInterface {
  async up(runner: QueryRunner): Promise<void> {
    await runner.query(`
      ALTER TABLE event_batches ADD COLUMN owner uuid, ADD COLUMN was_opened boolean NOT NULL DEFAULT false;
      COMMENT ON COLUMN event_batches.owner IS 'the dispatcher that sends its deliveries just now; the row goes when all of them have rows';
      COMMENT ON COLUMN event_batches.was_opened IS 'some of its deliveries may have been sent and recorded: whoever takes it makes the rows of the rest first';
    `);
  }

  async down(runner: QueryRunner): Promise<void> {
    await runner.query('ALTER TABLE event_batches DROP COLUMN owner, DROP COLUMN was_opened');
  }
}
