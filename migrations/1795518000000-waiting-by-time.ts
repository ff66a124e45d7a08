import type { MigrationInterface, QueryRunner } from 'typeorm';

/** What has just fallen due is found without jumping over every webhook that waits. */
export class WaitingByTime1795518000000 implements MigrationInterface {
  async up(runner: QueryRunner): Promise<void> {
    await runner.query('CREATE INDEX waiting_deliveries_due_idx ON waiting_deliveries (due_at)');
  }

  async down(runner: QueryRunner): Promise<void> {
    await runner.query('DROP INDEX waiting_deliveries_due_idx');
  }
}
