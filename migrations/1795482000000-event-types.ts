import type { MigrationInterface, QueryRunner } from 'typeorm';

/**
 * Event types of tenants' own with all their versions, how published data is held to its schema, and the versions that
 * webhooks pin. Versions never change and types are never removed, so that what was delivered stays explained.
 */
export class EventTypes1795482000000 implements MigrationInterface {
  async up(runner: QueryRunner): Promise<void> {
    await runner.query(`
      ALTER TABLE tenants
        ADD COLUMN event_types_version bigint NOT NULL DEFAULT 0,
        ADD COLUMN schema_validation jsonb NOT NULL DEFAULT '{}';
      COMMENT ON COLUMN tenants.event_types_version IS 'grows with every change to event types and their settings; 0: there never was one';
      COMMENT ON COLUMN tenants.schema_validation IS 'off, warn or enforce for built_in and own; a missing key means the default';
      GRANT UPDATE (event_types_version, schema_validation) ON tenants TO webhooks_request;

      CREATE TABLE event_types (
        tenant_id uuid NOT NULL REFERENCES tenants (id),
        name text COLLATE "C" NOT NULL,
        description text NOT NULL,
        version integer NOT NULL DEFAULT 1,
        created_at timestamptz NOT NULL DEFAULT now(),
        updated_at timestamptz NOT NULL DEFAULT now(),
        archived_at timestamptz,
        PRIMARY KEY (tenant_id, name)
      );
      COMMENT ON COLUMN event_types.version IS 'the newest; all from 1 on exist';

      CREATE TABLE event_type_versions (
        tenant_id uuid NOT NULL,
        name text COLLATE "C" NOT NULL,
        version integer NOT NULL,
        schema text,
        example text,
        created_at timestamptz NOT NULL DEFAULT now(),
        PRIMARY KEY (tenant_id, name, version),
        FOREIGN KEY (tenant_id, name) REFERENCES event_types (tenant_id, name)
      );
      COMMENT ON COLUMN event_type_versions.schema IS 'JSON as text, which keeps the order of its keys';

      ALTER TABLE webhooks ADD COLUMN event_versions jsonb NOT NULL DEFAULT '{}';
      COMMENT ON COLUMN webhooks.event_versions IS 'by event type the only version that the webhook gets';
    `);
    for (const table of ['event_types', 'event_type_versions']) {
      await runner.query(`
        ALTER TABLE ${table} ENABLE ROW LEVEL SECURITY;
        CREATE POLICY tenant_wall ON ${table} TO webhooks_request USING (tenant_id = current_tenant()) WITH CHECK (tenant_id = current_tenant());
        CREATE POLICY service ON ${table} TO webhooks_service USING (true) WITH CHECK (true);
        GRANT SELECT, INSERT, UPDATE ON ${table} TO webhooks_request;
        GRANT SELECT, INSERT, UPDATE, DELETE ON ${table} TO webhooks_service;
      `);
    }
  }

  async down(runner: QueryRunner): Promise<void> {
    await runner.query(`
      ALTER TABLE webhooks DROP COLUMN event_versions;
      DROP TABLE event_type_versions, event_types;
      ALTER TABLE tenants DROP COLUMN schema_validation, DROP COLUMN event_types_version;
    `);
  }
}
