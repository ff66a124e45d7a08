import type { MigrationInterface, QueryRunner } from 'typeorm';

/** What lets a dispatcher of the same machine see at once that another's process has ended. */
export class DispatcherProcesses1795514400000 implements MigrationInterface {
  async up(runner: QueryRunner): Promise<void> {
    await runner.query(`
      ALTER TABLE dispatchers ADD COLUMN process_namespace text, ADD COLUMN process_start_ticks text;
      COMMENT ON COLUMN dispatchers.process_namespace IS 'boot of the machine and pid namespace; null where the system does not tell';
    `);
  }

  async down(runner: QueryRunner): Promise<void> {
    await runner.query('ALTER TABLE dispatchers DROP COLUMN process_namespace, DROP COLUMN process_start_ticks');
  }
}
