import type { MigrationInterface, QueryRunner } from 'typeorm';

/**
 * Ordering by key. `ordering_keys` gives the batches of a key positions in the order in which they are committed;
 * `ordered_deliveries` are the lines of webhooks that opted in, of which only the first may wait or be under way.
 */
export class Ordering1795525200000 implements MigrationInterface {
  async up(runner: QueryRunner): Promise<void> {
    await runner.query(`
      ALTER TABLE webhooks
        ADD COLUMN ordered boolean NOT NULL DEFAULT false,
        ADD COLUMN on_exhausted text NOT NULL DEFAULT 'skip' CHECK (on_exhausted IN ('skip', 'wait'));
      COMMENT ON COLUMN webhooks.on_exhausted IS 'what those behind a delivery that was given up do, where it is ordered';

      CREATE SEQUENCE ordering_positions;
      GRANT USAGE ON SEQUENCE ordering_positions TO webhooks_service;

      CREATE TABLE ordering_keys (
        key_hash bytea PRIMARY KEY,
        position bigint NOT NULL,
        used_at timestamptz NOT NULL DEFAULT now()
      ) WITH (fillfactor = 50);
      COMMENT ON TABLE ordering_keys IS 'locked by whoever publishes with the key, so that positions grow as commits follow one another; until it is idle';
      COMMENT ON COLUMN ordering_keys.key_hash IS 'of tenant and ordering_key';

      ALTER TABLE event_batches ADD COLUMN key_hash bytea, ADD COLUMN position bigint;
      COMMENT ON COLUMN event_batches.position IS 'of a batch of one ordering_key: it is fanned out after those of lower positions';
      DROP INDEX event_batches_due_idx;
      CREATE INDEX event_batches_due_idx ON event_batches (due_at, id) WHERE key_hash IS NULL;
      CREATE INDEX event_batches_key_idx ON event_batches (key_hash, position) WHERE key_hash IS NOT NULL;

      CREATE TABLE ordering_queues (
        webhook_id uuid NOT NULL,
        key_hash bytea NOT NULL,
        PRIMARY KEY (webhook_id, key_hash)
      );
      COMMENT ON TABLE ordering_queues IS 'one row for each line that is not empty; locked by whoever adds to it or takes from it';
      ALTER TABLE ordering_queues SET (autovacuum_vacuum_scale_factor = 0.01, autovacuum_vacuum_threshold = 1000);

      CREATE TABLE ordered_deliveries (
        webhook_id uuid NOT NULL,
        event_id uuid NOT NULL,
        tenant_id uuid NOT NULL,
        key_hash bytea NOT NULL,
        position bigint NOT NULL,
        delivery_id uuid NOT NULL,
        priority smallint NOT NULL,
        given_up boolean NOT NULL DEFAULT false,
        PRIMARY KEY (webhook_id, event_id)
      );
      COMMENT ON TABLE ordered_deliveries IS 'deliveries that go one after the other, until they end; the first of a line is due or under way, the others are blocked';
      COMMENT ON COLUMN ordered_deliveries.given_up IS 'it is exhausted, and those behind it wait';
      CREATE UNIQUE INDEX ordered_deliveries_line_idx ON ordered_deliveries (webhook_id, key_hash, position);
      CREATE INDEX ordered_deliveries_given_up_idx ON ordered_deliveries (webhook_id) WHERE given_up;
      ALTER TABLE ordered_deliveries SET (autovacuum_vacuum_scale_factor = 0.01, autovacuum_vacuum_threshold = 1000);
      ALTER TABLE ordered_deliveries ENABLE ROW LEVEL SECURITY;
      CREATE POLICY tenant_wall ON ordered_deliveries TO webhooks_request USING (tenant_id = current_tenant()) WITH CHECK (tenant_id = current_tenant());
      CREATE POLICY service ON ordered_deliveries TO webhooks_service USING (true) WITH CHECK (true);
      GRANT SELECT ON ordered_deliveries TO webhooks_request;
      GRANT SELECT, INSERT, UPDATE, DELETE ON ordering_keys, ordering_queues, ordered_deliveries TO webhooks_service;

      ALTER TABLE deliveries DROP CONSTRAINT deliveries_state_check;
      ALTER TABLE deliveries ADD CONSTRAINT deliveries_state_check CHECK (state IN
        ('queued', 'blocked', 'in_flight', 'retrying', 'scheduled', 'held', 'throttled', 'delivered', 'exhausted', 'cancelled'));
    `);
  }

  async down(runner: QueryRunner): Promise<void> {
    await runner.query(`
      WITH freed AS (
        UPDATE deliveries SET state = 'queued', next_attempt_at = now() WHERE state = 'blocked' RETURNING id, tenant_id, webhook_id
      )
      INSERT INTO waiting_deliveries (delivery_id, tenant_id, webhook_id, due_at)
      SELECT id, tenant_id, webhook_id, now() FROM freed;
      ALTER TABLE deliveries DROP CONSTRAINT deliveries_state_check;
      ALTER TABLE deliveries ADD CONSTRAINT deliveries_state_check CHECK (state IN
        ('queued', 'in_flight', 'retrying', 'scheduled', 'held', 'throttled', 'delivered', 'exhausted', 'cancelled'));
      DROP TABLE ordered_deliveries, ordering_queues;
      DROP INDEX event_batches_key_idx, event_batches_due_idx;
      ALTER TABLE event_batches DROP COLUMN position, DROP COLUMN key_hash;
      CREATE INDEX event_batches_due_idx ON event_batches (due_at, id);
      DROP TABLE ordering_keys;
      DROP SEQUENCE ordering_positions;
      ALTER TABLE webhooks DROP COLUMN on_exhausted, DROP COLUMN ordered;
    `);
  }
}
