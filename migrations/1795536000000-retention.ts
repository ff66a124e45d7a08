import type { MigrationInterface, QueryRunner } from 'typeorm';

/**
 * Retention: partitions belong to a role of their own, since detaching one concurrently is a command that only the
 * owner may give, outside of every function. That role inherits from `webhooks_service`, so that it passes the same
 * policies, and may delete rows of every table, those of later migrations too: whoever deletes a tenant needs both.
 */
export class Retention1795536000000 implements MigrationInterface {
  async up(runner: QueryRunner): Promise<void> {
    await runner.query(ROLE);
    await runner.query(DELETIONS);
    await runner.query(ENSURE_PARTITIONS);
    await runner.query(`
      DO $$ BEGIN EXECUTE format('GRANT USAGE, CREATE ON SCHEMA %I TO webhooks_retention', current_schema()); END $$;
      GRANT SELECT, DELETE ON ALL TABLES IN SCHEMA public TO webhooks_retention;
      REVOKE SELECT, DELETE ON schema_migrations FROM webhooks_retention;
      ALTER DEFAULT PRIVILEGES IN SCHEMA public GRANT SELECT, DELETE ON TABLES TO webhooks_retention;
    `);
    await runner.query(giveTo(`'webhooks_retention'`));
    await runner.query('ALTER FUNCTION ensure_partitions(timestamptz, timestamptz) OWNER TO webhooks_retention');
    await runner.query(`
      CREATE INDEX webhooks_deleted_idx ON webhooks (tenant_id, id) WHERE deleted_at IS NOT NULL;
      CREATE INDEX tenants_deleted_at_idx ON tenants (deleted_at) WHERE deleted_at IS NOT NULL;
    `);
  }

  async down(runner: QueryRunner): Promise<void> {
    await runner.query(giveTo('current_user'));
    await runner.query(`
      DROP INDEX tenants_deleted_at_idx, webhooks_deleted_idx;
      DROP TABLE tenant_deletions, tenant_retention;
      ALTER DEFAULT PRIVILEGES IN SCHEMA public REVOKE SELECT, DELETE ON TABLES FROM webhooks_retention;
      REVOKE ALL ON ALL TABLES IN SCHEMA public FROM webhooks_retention;
      ALTER FUNCTION ensure_partitions(timestamptz, timestamptz) OWNER TO CURRENT_USER;
      DO $$ BEGIN EXECUTE format('REVOKE ALL ON SCHEMA %I FROM webhooks_retention', current_schema()); END $$;
    `);
    await runner.query(FORMER_ENSURE_PARTITIONS);
    // The role stays: it belongs to the cluster, and another database of it may use it.
  }
}

const ROLE = `
DO $$
BEGIN
  IF NOT EXISTS (SELECT FROM pg_roles WHERE rolname = 'webhooks_retention') THEN
    BEGIN
      CREATE ROLE webhooks_retention NOLOGIN NOBYPASSRLS;
    EXCEPTION WHEN duplicate_object OR unique_violation THEN
      NULL; -- made at this moment by the migration of another database of this cluster
    END;
  END IF;
  IF NOT pg_has_role('webhooks_retention', 'webhooks_service', 'USAGE') THEN
    GRANT webhooks_service TO webhooks_retention;
  END IF;
  -- To give tables to the role, and to change them in later migrations.
  IF NOT (pg_has_role(current_user, 'webhooks_retention', 'SET') AND pg_has_role(current_user, 'webhooks_retention', 'USAGE')) THEN
    EXECUTE format('GRANT webhooks_retention TO %I', current_user);
  END IF;
END $$;
`;

const DELETIONS = `
CREATE TABLE tenant_deletions (
  id uuid PRIMARY KEY,
  requested_at timestamptz NOT NULL,
  started_at timestamptz,
  finished_at timestamptz,
  step text NOT NULL DEFAULT 'waiting',
  rows_deleted bigint NOT NULL DEFAULT 0
);
COMMENT ON TABLE tenant_deletions IS 'tenants that were deleted, by their id: how far the deletion of their rows has come; kept, so that a tenant once deleted is not made again';
INSERT INTO tenant_deletions (id, requested_at) SELECT id, deleted_at FROM tenants WHERE deleted_at IS NOT NULL;
GRANT SELECT, INSERT, UPDATE ON tenant_deletions TO webhooks_service;

CREATE TABLE tenant_retention (
  tenant_id uuid PRIMARY KEY,
  payloads_until uuid NOT NULL,
  records_until uuid NOT NULL
);
COMMENT ON TABLE tenant_retention IS 'of tenants with a shorter retention than the installation: the ids up to which their history is deleted';
ALTER TABLE tenant_retention ENABLE ROW LEVEL SECURITY;
CREATE POLICY tenant_wall ON tenant_retention TO webhooks_request USING (tenant_id = current_tenant()) WITH CHECK (tenant_id = current_tenant());
CREATE POLICY service ON tenant_retention TO webhooks_service USING (true) WITH CHECK (true);
GRANT SELECT, INSERT, UPDATE, DELETE ON tenant_retention TO webhooks_service;
`;

/** Gives the tables that are partitioned by ids, with their partitions, to a role. */
const giveTo = (role: string): string => `
DO $$
DECLARE owned regclass;
BEGIN
  FOR owned IN
    SELECT tree.relid FROM pg_partitioned_table p JOIN pg_class c ON c.oid = p.partrelid, pg_partition_tree(p.partrelid) tree
    WHERE c.relnamespace = current_schema()::regnamespace
  LOOP
    EXECUTE format('ALTER TABLE %s OWNER TO %I', owned, ${role});
  END LOOP;
END $$;
`;

/**
 * Runs as its owner, so that the apps need no right to make tables. It takes every table that the owner has and that is
 * partitioned by a range of ids. A partition is made apart and then attached: the lock that this takes lets reads and
 * writes pass, while CREATE TABLE … PARTITION OF makes everybody wait for the longest reader.
 */
const ENSURE_PARTITIONS = `
CREATE OR REPLACE FUNCTION ensure_partitions(since timestamptz, until timestamptz) RETURNS integer
LANGUAGE plpgsql SECURITY DEFINER SET search_path = public, pg_temp AS $$
DECLARE
  parent text;
  partition text;
  week timestamptz;
  made integer := 0;
BEGIN
  FOR parent IN
    SELECT c.relname FROM pg_partitioned_table p
    JOIN pg_class c ON c.oid = p.partrelid
    JOIN pg_attribute a ON a.attrelid = c.oid AND a.attnum = p.partattrs[0]
    WHERE c.relnamespace = current_schema()::regnamespace AND p.partstrat = 'r' AND p.partnatts = 1 AND a.atttypid = 'uuid'::regtype
      AND pg_has_role(c.relowner, 'USAGE')
    ORDER BY c.relname
  LOOP
    week := date_trunc('week', since, 'UTC');
    WHILE week < until LOOP
      partition := format('%s_%s', parent, to_char(week AT TIME ZONE 'UTC', 'IYYY"w"IW'));
      IF to_regclass(quote_ident(partition)) IS NULL THEN
        -- Two apps that start together make the same partitions: one waits here and finds them made.
        PERFORM pg_advisory_xact_lock(hashtext('ensure_partitions'));
        IF to_regclass(quote_ident(partition)) IS NULL THEN
          EXECUTE format('CREATE TABLE %I (LIKE %I INCLUDING DEFAULTS INCLUDING CONSTRAINTS INCLUDING INDEXES INCLUDING STORAGE INCLUDING COMPRESSION)',
            partition, parent);
          EXECUTE format('ALTER TABLE %I ATTACH PARTITION %I FOR VALUES FROM (%L) TO (%L)', parent, partition,
            uuid_floor(week), uuid_floor(week + interval '7 days'));
          made := made + 1;
        END IF;
      END IF;
      week := week + interval '7 days';
    END LOOP;
  END LOOP;
  RETURN made;
END $$;
`;

/** As it was: with its tables by name, those of the first schema first, as migrations before this one expect it. */
const FORMER_ENSURE_PARTITIONS = `
DO $former$
DECLARE
  others text := (SELECT coalesce(string_agg(format(', %L', c.relname), '' ORDER BY c.relname <> 'inbound_requests', c.relname <> 'inbound_request_bodies',
    c.relname <> 'inbound_action_runs', c.relname <> 'inbound_records', c.relname), '') FROM pg_partitioned_table p JOIN pg_class c ON c.oid = p.partrelid
    WHERE c.relnamespace = current_schema()::regnamespace AND c.relname NOT IN ('events', 'event_payloads', 'deliveries', 'attempts', 'attempt_responses'));
BEGIN
  EXECUTE replace($function$
CREATE OR REPLACE FUNCTION ensure_partitions(since timestamptz, until timestamptz) RETURNS integer
LANGUAGE plpgsql SECURITY DEFINER SET search_path = public, pg_temp AS $$
DECLARE
  parent text;
  partition text;
  week timestamptz;
  made integer := 0;
BEGIN
  FOREACH parent IN ARRAY ARRAY['events', 'event_payloads', 'deliveries', 'attempts', 'attempt_responses'(others)] LOOP
    week := date_trunc('week', since, 'UTC');
    WHILE week < until LOOP
      partition := format('%s_%s', parent, to_char(week AT TIME ZONE 'UTC', 'IYYY"w"IW'));
      IF to_regclass(quote_ident(partition)) IS NULL THEN
        PERFORM pg_advisory_xact_lock(hashtext('ensure_partitions'));
        IF to_regclass(quote_ident(partition)) IS NULL THEN
          EXECUTE format('CREATE TABLE %I PARTITION OF %I FOR VALUES FROM (%L) TO (%L)', partition, parent,
            uuid_floor(week), uuid_floor(week + interval '7 days'));
          made := made + 1;
        END IF;
      END IF;
      week := week + interval '7 days';
    END LOOP;
  END LOOP;
  RETURN made;
END $$;
$function$, '(others)', others);
END $former$;
`;
