import type { MigrationInterface, QueryRunner } from 'typeorm';

/**
 * Bulk redeliveries: what is asked for, how far it has come, and how it ended. Deliveries are gone through in the order
 * of their ids, so the last one handled says where to go on; those the job makes lie behind `until_id`. One at a time
 * per webhook, so that asking twice by mistake does not send everything twice.
 */
export class RedeliveryJobs1795492800000 implements MigrationInterface {
  async up(runner: QueryRunner): Promise<void> {
    await runner.query(`
      CREATE TABLE redelivery_jobs (
        id uuid PRIMARY KEY,
        tenant_id uuid NOT NULL,
        webhook_id uuid NOT NULL REFERENCES webhooks (id) ON DELETE CASCADE,
        status text NOT NULL DEFAULT 'pending' CHECK (status IN ('pending', 'running', 'completed', 'cancelled', 'failed')),
        reason text,
        delivery_status text NOT NULL CHECK (delivery_status IN ('pending', 'success', 'failed')),
        event_types text[],
        start_at timestamptz,
        end_at timestamptz,
        rate_per_second integer NOT NULL,
        matched bigint NOT NULL,
        redelivered bigint NOT NULL DEFAULT 0,
        skipped bigint NOT NULL DEFAULT 0,
        after_id uuid NOT NULL,
        until_id uuid NOT NULL,
        due_at timestamptz NOT NULL DEFAULT now(),
        failures smallint NOT NULL DEFAULT 0,
        created_at timestamptz NOT NULL DEFAULT now(),
        started_at timestamptz,
        finished_at timestamptz
      );
      COMMENT ON TABLE redelivery_jobs IS 'bulk redeliveries, until some time after they ended';
      COMMENT ON COLUMN redelivery_jobs.delivery_status IS 'with event_types (null for all), start_at and end_at: which deliveries are meant';
      COMMENT ON COLUMN redelivery_jobs.after_id IS 'the last delivery handled; moves in the commit that makes the new ones';
      COMMENT ON COLUMN redelivery_jobs.until_id IS 'behind the last delivery meant, and before all that the job makes';
      COMMENT ON COLUMN redelivery_jobs.due_at IS 'when the next round is, which keeps the pace';
      COMMENT ON COLUMN redelivery_jobs.failures IS 'rounds in a row that did not work';
      CREATE UNIQUE INDEX redelivery_jobs_unfinished_idx ON redelivery_jobs (webhook_id) WHERE status IN ('pending', 'running');
      CREATE INDEX redelivery_jobs_due_idx ON redelivery_jobs (due_at) WHERE status IN ('pending', 'running');
      CREATE INDEX redelivery_jobs_webhook_idx ON redelivery_jobs (webhook_id, id);
      CREATE INDEX redelivery_jobs_finished_at_idx ON redelivery_jobs (finished_at) WHERE finished_at IS NOT NULL;
      ALTER TABLE redelivery_jobs ENABLE ROW LEVEL SECURITY;
      CREATE POLICY tenant_wall ON redelivery_jobs TO webhooks_request USING (tenant_id = current_tenant()) WITH CHECK (tenant_id = current_tenant());
      CREATE POLICY service ON redelivery_jobs TO webhooks_service USING (true) WITH CHECK (true);
      GRANT SELECT, INSERT ON redelivery_jobs TO webhooks_request;
      GRANT UPDATE (status, reason, finished_at) ON redelivery_jobs TO webhooks_request;
      GRANT SELECT, UPDATE, DELETE ON redelivery_jobs TO webhooks_service;
    `);
  }

  async down(runner: QueryRunner): Promise<void> {
    await runner.query('DROP TABLE redelivery_jobs');
  }
}
