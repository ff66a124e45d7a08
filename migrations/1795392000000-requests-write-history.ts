import type { MigrationInterface, QueryRunner } from 'typeorm';

/**
 * What requests write beside webhooks, all behind row-level security: they cancel waiting deliveries of a webhook
 * that is made inactive or deleted, keep the outcome of test deliveries, and remember idempotency keys of their own.
 * Tests are left out of the statistics, so an index of their own counts them.
 */
export class RequestsWriteHistory1795392000000 implements MigrationInterface {
  async up(runner: QueryRunner): Promise<void> {
    await runner.query(`
      GRANT UPDATE (status, state, next_attempt_at, error) ON deliveries TO webhooks_request;
      GRANT UPDATE (due_at), DELETE ON waiting_deliveries TO webhooks_request;
      GRANT INSERT ON event_payloads, attempts, attempt_responses TO webhooks_request;
      GRANT INSERT, UPDATE, DELETE ON idempotency_keys TO webhooks_request;

      CREATE INDEX deliveries_tests_idx ON deliveries (webhook_id, id) WHERE is_test;

      CREATE TABLE test_rate_windows (
        webhook_id uuid PRIMARY KEY REFERENCES webhooks (id) ON DELETE CASCADE,
        tenant_id uuid NOT NULL,
        started_at timestamptz NOT NULL,
        sent integer NOT NULL
      ) WITH (fillfactor = 50);
      COMMENT ON TABLE test_rate_windows IS 'test deliveries of a webhook in its present minute, over all instances';
      ALTER TABLE test_rate_windows ENABLE ROW LEVEL SECURITY;
      CREATE POLICY tenant_wall ON test_rate_windows TO webhooks_request USING (tenant_id = current_tenant()) WITH CHECK (tenant_id = current_tenant());
      CREATE POLICY service ON test_rate_windows TO webhooks_service USING (true) WITH CHECK (true);
      GRANT SELECT, INSERT, UPDATE ON test_rate_windows TO webhooks_request;
      GRANT SELECT, DELETE ON test_rate_windows TO webhooks_service;
    `);
  }

  async down(runner: QueryRunner): Promise<void> {
    await runner.query(`
      DROP TABLE test_rate_windows;
      DROP INDEX deliveries_tests_idx;
      REVOKE INSERT, UPDATE, DELETE ON idempotency_keys FROM webhooks_request;
      REVOKE INSERT ON event_payloads, attempts, attempt_responses FROM webhooks_request;
      REVOKE UPDATE (due_at), DELETE ON waiting_deliveries FROM webhooks_request;
      REVOKE UPDATE (status, state, next_attempt_at, error) ON deliveries FROM webhooks_request;
    `);
  }
}
