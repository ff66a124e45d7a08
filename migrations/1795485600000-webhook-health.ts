import type { MigrationInterface, QueryRunner } from 'typeorm';

/** How webhooks that fail are doing; a webhook that works has no row. */
export class WebhookHealth1795485600000 implements MigrationInterface {
  async up(runner: QueryRunner): Promise<void> {
    await runner.query(`
      CREATE TABLE webhook_health (
        webhook_id uuid PRIMARY KEY,
        tenant_id uuid NOT NULL,
        failing_since timestamptz NOT NULL DEFAULT now(),
        failures integer NOT NULL,
        last_failure_at timestamptz NOT NULL DEFAULT now(),
        last_error text,
        warnings smallint NOT NULL DEFAULT 0,
        unreachable_until timestamptz,
        probe_after_ms integer
      ) WITH (fillfactor = 50);
      COMMENT ON TABLE webhook_health IS 'webhooks whose attempts have failed without interruption; the first success removes the row';
      COMMENT ON COLUMN webhook_health.unreachable_until IS 'nobody answers: its deliveries wait, and at this instant one dispatcher sends a single probe';
      CREATE INDEX webhook_health_since_idx ON webhook_health (failing_since);
      ALTER TABLE webhook_health ENABLE ROW LEVEL SECURITY;
      CREATE POLICY tenant_wall ON webhook_health TO webhooks_request USING (tenant_id = current_tenant()) WITH CHECK (tenant_id = current_tenant());
      CREATE POLICY service ON webhook_health TO webhooks_service USING (true) WITH CHECK (true);
      GRANT SELECT, DELETE ON webhook_health TO webhooks_request;
      GRANT SELECT, INSERT, UPDATE, DELETE ON webhook_health TO webhooks_service;

      ALTER TABLE deliveries ADD COLUMN probes smallint NOT NULL DEFAULT 0;
      COMMENT ON COLUMN deliveries.probes IS 'attempts among "attempts" that asked whether anybody is there again, and do not count against max_attempts';
    `);
  }

  async down(runner: QueryRunner): Promise<void> {
    await runner.query(`
      ALTER TABLE deliveries DROP COLUMN probes;
      DROP TABLE webhook_health;
    `);
  }
}
