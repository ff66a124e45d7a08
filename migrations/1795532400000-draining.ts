import type { MigrationInterface, QueryRunner } from 'typeorm';

/** Webhooks that are active again and work off, at a set pace, what they held. */
export class Draining1795532400000 implements MigrationInterface {
  async up(runner: QueryRunner): Promise<void> {
    await runner.query(`
      ALTER TABLE webhooks ADD COLUMN draining_since timestamptz;
      COMMENT ON COLUMN webhooks.draining_since IS 'made active then, while it held deliveries, of which some still wait';
      CREATE INDEX webhooks_draining_idx ON webhooks (id) WHERE draining_since IS NOT NULL;
    `);
  }

  async down(runner: QueryRunner): Promise<void> {
    await runner.query('ALTER TABLE webhooks DROP COLUMN draining_since');
  }
}
