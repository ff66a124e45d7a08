import type { MigrationInterface, QueryRunner } from 'typeorm';

/**
 * The lease of a webhook with limits stands as long as its dispatcher's row: whoever is declared dead loses its
 * leases in the same commit, and nothing has to be renewed.
 */
export class WebhookLeases1795489200000 implements MigrationInterface {
  async up(runner: QueryRunner): Promise<void> {
    await runner.query(`
      DROP TABLE webhook_leases;
      CREATE TABLE webhook_leases (
        webhook_id uuid PRIMARY KEY,
        owner uuid NOT NULL REFERENCES dispatchers (id) ON DELETE CASCADE,
        taken_at timestamptz NOT NULL DEFAULT now()
      );
      COMMENT ON TABLE webhook_leases IS 'the one dispatcher at a time that sends for a webhook with limits';
      CREATE INDEX webhook_leases_owner_idx ON webhook_leases (owner);
      GRANT SELECT, INSERT, UPDATE, DELETE ON webhook_leases TO webhooks_service;
    `);
  }

  async down(runner: QueryRunner): Promise<void> {
    await runner.query(`
      DROP TABLE webhook_leases;
      CREATE TABLE webhook_leases (
        webhook_id uuid PRIMARY KEY,
        owner uuid NOT NULL,
        epoch bigint NOT NULL DEFAULT 1,
        expires_at timestamptz NOT NULL
      );
      GRANT SELECT, INSERT, UPDATE, DELETE ON webhook_leases TO webhooks_service;
    `);
  }
}
