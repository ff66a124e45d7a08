import type { MigrationInterface, QueryRunner } from 'typeorm';

/** The one table with a tenant that had no wall; requests have no right to it, so this is for the day they get one. */
export class PublishWindowsWall1795526000000 implements MigrationInterface {
  async up(runner: QueryRunner): Promise<void> {
    await runner.query(`
      ALTER TABLE publish_rate_windows ENABLE ROW LEVEL SECURITY;
      CREATE POLICY tenant_wall ON publish_rate_windows TO webhooks_request USING (tenant_id = current_tenant()) WITH CHECK (tenant_id = current_tenant());
      CREATE POLICY service ON publish_rate_windows TO webhooks_service USING (true) WITH CHECK (true);
    `);
  }

  async down(runner: QueryRunner): Promise<void> {
    await runner.query(`
      DROP POLICY service ON publish_rate_windows;
      DROP POLICY tenant_wall ON publish_rate_windows;
      ALTER TABLE publish_rate_windows DISABLE ROW LEVEL SECURITY;
    `);
  }
}
