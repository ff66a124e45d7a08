import type { MigrationInterface, QueryRunner } from 'typeorm';

/**
 * Priorities of what waits, and a tenant's budget of events in the present second, which all API instances share.
 */
export class PublishingOrder1795395600000 implements MigrationInterface {
  async up(runner: QueryRunner): Promise<void> {
    await runner.query(`
      ALTER TABLE waiting_deliveries ADD COLUMN priority smallint NOT NULL DEFAULT 0;
      CREATE INDEX waiting_deliveries_priority_idx ON waiting_deliveries (webhook_id, priority, due_at, delivery_id);

      CREATE UNLOGGED TABLE publish_rate_windows (
        tenant_id uuid PRIMARY KEY,
        second bigint NOT NULL,
        taken integer NOT NULL
      ) WITH (fillfactor = 50);
      COMMENT ON TABLE publish_rate_windows IS 'events that API instances reserved of a tenant''s limit in one second; lost in a crash, which does no harm';
      GRANT SELECT, INSERT, UPDATE, DELETE ON publish_rate_windows TO webhooks_service;
    `);
  }

  async down(runner: QueryRunner): Promise<void> {
    await runner.query(`
      DROP TABLE publish_rate_windows;
      DROP INDEX waiting_deliveries_priority_idx;
      ALTER TABLE waiting_deliveries DROP COLUMN priority;
    `);
  }
}
