import type { MigrationInterface, QueryRunner } from 'typeorm';

/** What a batch of events has of payload, so that a dispatcher reads no more of them at once than it may hold. */
export class FanOutBytes1795537500000 implements MigrationInterface {
  async up(runner: QueryRunner): Promise<void> {
    await runner.query(`
      ALTER TABLE event_batches ADD COLUMN data_bytes bigint NOT NULL DEFAULT 0;
      COMMENT ON COLUMN event_batches.data_bytes IS 'of the payloads of its events together';
      UPDATE event_batches f SET data_bytes =
        (SELECT coalesce(sum(e.data_bytes), 0) FROM unnest(f.event_ids) AS wanted(id) JOIN events e ON e.id = wanted.id);
    `);
  }

  async down(runner: QueryRunner): Promise<void> {
    await runner.query('ALTER TABLE event_batches DROP COLUMN data_bytes');
  }
}
