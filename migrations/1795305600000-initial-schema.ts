import type { MigrationInterface, QueryRunner } from 'typeorm';

/**
 * The whole first schema. What it is built on:
 * - ids are UUIDv7: tables that grow are partitioned by week on the id itself, so that a lookup by id
 *   touches one partition and dropping old data is dropping a table;
 * - history (events, deliveries, attempts) is kept apart from work to be done (event_batches,
 *   waiting_deliveries): the latter stay small, so that nothing ever scans history to find work;
 * - requests run as `webhooks_request` behind row-level security, the reviewed batch statements of both
 *   apps as `webhooks_service`.
 */
export class InitialSchema1795305600000 implements MigrationInterface {
  async up(runner: QueryRunner): Promise<void> {
    await runner.query(ROLES);
    await runner.query(TENANCY);
    await runner.query(WEBHOOKS);
    await runner.query(EVENTS);
    await runner.query(DELIVERIES);
    await runner.query(OWNERSHIP);
    await runner.query(STATISTICS);
    await runner.query(PARTITIONS);
    await runner.query(TENANT_WALL);
    await runner.query(GRANTS);
  }

  async down(runner: QueryRunner): Promise<void> {
    await runner.query(`
      DROP TABLE hourly_stats, stats_deltas, webhook_totals, webhook_leases, dispatchers,
        waiting_deliveries, attempt_responses, attempts, deliveries,
        event_batches, idempotency_keys, event_payloads, events, webhooks, tokens, users, tenants;
      DROP FUNCTION schema_has_migration(text);
      DROP FUNCTION ensure_partitions(timestamptz, timestamptz);
      DROP FUNCTION uuid_floor(timestamptz);
      DROP FUNCTION current_tenant();
    `);
    // The roles stay: they belong to the cluster, and another database of it may use them.
  }
}

const ROLES = `
DO $$
DECLARE name text;
BEGIN
  FOREACH name IN ARRAY ARRAY['webhooks_request', 'webhooks_service'] LOOP
    -- Asked first, since whoever may not make roles may still migrate where an administrator has made them.
    IF NOT EXISTS (SELECT FROM pg_roles WHERE rolname = name) THEN
      BEGIN
        EXECUTE format('CREATE ROLE %I NOLOGIN NOBYPASSRLS', name);
      EXCEPTION WHEN duplicate_object OR unique_violation THEN
        NULL; -- made at this moment by the migration of another database of this cluster
      END;
    END IF;
    IF NOT pg_has_role(current_user, name, 'SET') THEN
      EXECUTE format('GRANT %I TO %I', name, current_user);
    END IF;
  END LOOP;
END $$;
`;

const TENANCY = `
CREATE TABLE tenants (
  id uuid PRIMARY KEY,
  name text NOT NULL,
  status text NOT NULL DEFAULT 'active' CHECK (status IN ('active', 'suspended')),
  limits jsonb NOT NULL DEFAULT '{}',
  webhooks_version bigint NOT NULL DEFAULT 0,
  created_at timestamptz NOT NULL DEFAULT now(),
  changed_at timestamptz NOT NULL DEFAULT now(),
  deleted_at timestamptz
);
COMMENT ON COLUMN tenants.webhooks_version IS 'grows with every change to a webhook; a dispatcher that knows a lower one reloads';
COMMENT ON COLUMN tenants.changed_at IS 'last change of status, limits or webhooks; instances poll for recent ones';
CREATE INDEX tenants_changed_at_idx ON tenants (changed_at);

CREATE TABLE users (
  id uuid PRIMARY KEY,
  tenant_id uuid NOT NULL REFERENCES tenants (id),
  name text NOT NULL,
  email text,
  created_at timestamptz NOT NULL DEFAULT now(),
  deleted_at timestamptz
);
CREATE INDEX users_tenant_idx ON users (tenant_id, id);

CREATE TABLE tokens (
  id uuid PRIMARY KEY,
  tenant_id uuid NOT NULL REFERENCES tenants (id),
  user_id uuid NOT NULL REFERENCES users (id),
  name text NOT NULL,
  hash bytea NOT NULL UNIQUE,
  scopes text[] NOT NULL,
  project_id text,
  expires_at timestamptz,
  last_used_at timestamptz,
  created_at timestamptz NOT NULL DEFAULT now(),
  revoked_at timestamptz
);
COMMENT ON COLUMN tokens.hash IS 'SHA-256 of the token, which itself is never stored';
CREATE INDEX tokens_tenant_idx ON tokens (tenant_id, id);
CREATE INDEX tokens_revoked_at_idx ON tokens (revoked_at) WHERE revoked_at IS NOT NULL;
`;

const WEBHOOKS = `
CREATE TABLE webhooks (
  id uuid PRIMARY KEY,
  tenant_id uuid NOT NULL REFERENCES tenants (id),
  project_id text,
  name text NOT NULL,
  description text,
  url text NOT NULL,
  events text[] NOT NULL,
  sealed_secret bytea NOT NULL,
  sealed_headers bytea,
  header_names text[] NOT NULL DEFAULT '{}',
  active boolean NOT NULL DEFAULT true,
  timeout_ms integer NOT NULL DEFAULT 30000,
  retry_policy jsonb NOT NULL,
  on_inactive text NOT NULL DEFAULT 'drop' CHECK (on_inactive IN ('drop', 'hold')),
  rate_limit integer,
  max_in_flight integer,
  disabled_reason text,
  version bigint NOT NULL DEFAULT 1,
  created_by uuid NOT NULL REFERENCES users (id),
  created_at timestamptz NOT NULL DEFAULT now(),
  updated_at timestamptz NOT NULL DEFAULT now(),
  deleted_at timestamptz
);
COMMENT ON COLUMN webhooks.sealed_secret IS 'AES-256-GCM; the id of the key stands in front';
CREATE INDEX webhooks_tenant_idx ON webhooks (tenant_id, id) WHERE deleted_at IS NULL;
`;

const EVENTS = `
CREATE TABLE events (
  id uuid NOT NULL,
  tenant_id uuid NOT NULL,
  project_id text,
  type text NOT NULL,
  client_event_id text,
  occurred_at timestamptz NOT NULL,
  version text NOT NULL,
  priority smallint NOT NULL DEFAULT 0,
  ordering_key text,
  deliver_at timestamptz,
  cancelled_at timestamptz,
  data_bytes integer NOT NULL,
  PRIMARY KEY (id)
) PARTITION BY RANGE (id);
CREATE INDEX events_tenant_idx ON events (tenant_id, id);

CREATE TABLE event_payloads (
  event_id uuid NOT NULL,
  tenant_id uuid NOT NULL,
  data bytea NOT NULL,
  PRIMARY KEY (event_id)
) PARTITION BY RANGE (event_id);
COMMENT ON COLUMN event_payloads.data IS 'the bytes of "data" as published: never parsed and written again, so that numbers stay what they were';

CREATE TABLE idempotency_keys (
  tenant_id uuid NOT NULL,
  key_hash bytea NOT NULL,
  fingerprint bytea NOT NULL,
  event_id uuid NOT NULL,
  expires_at timestamptz NOT NULL,
  PRIMARY KEY (tenant_id, key_hash)
);
COMMENT ON TABLE idempotency_keys IS 'idempotency keys and event ids chosen by clients, until they expire';
CREATE INDEX idempotency_keys_expires_at_idx ON idempotency_keys (expires_at);

CREATE TABLE event_batches (
  id uuid PRIMARY KEY,
  due_at timestamptz NOT NULL,
  priority smallint NOT NULL DEFAULT 0,
  event_ids uuid[] NOT NULL
);
COMMENT ON TABLE event_batches IS 'batches of accepted events whose deliveries do not exist yet; the row goes in the commit that makes them';
CREATE INDEX event_batches_due_idx ON event_batches (due_at, id);
ALTER TABLE event_batches SET (autovacuum_vacuum_scale_factor = 0, autovacuum_vacuum_threshold = 1000);
`;

const DELIVERIES = `
CREATE TABLE deliveries (
  id uuid NOT NULL,
  tenant_id uuid NOT NULL,
  webhook_id uuid NOT NULL,
  event_id uuid NOT NULL,
  event_type text NOT NULL,
  status text NOT NULL,
  state text NOT NULL,
  attempts smallint NOT NULL DEFAULT 0,
  is_test boolean NOT NULL DEFAULT false,
  owner uuid,
  epoch integer NOT NULL DEFAULT 0,
  next_attempt_at timestamptz,
  last_attempt_at timestamptz,
  response_code smallint,
  response_time_ms integer,
  error_class text,
  error text,
  original_delivery_id uuid,
  PRIMARY KEY (id),
  CHECK (status IN ('pending', 'success', 'failed')),
  CHECK (state IN ('queued', 'in_flight', 'retrying', 'scheduled', 'held', 'throttled', 'delivered', 'exhausted', 'cancelled'))
) PARTITION BY RANGE (id);
COMMENT ON COLUMN deliveries.owner IS 'the dispatcher that holds it; an outcome is recorded only where owner and epoch still match';
COMMENT ON COLUMN deliveries.epoch IS 'how often it was claimed';
CREATE INDEX deliveries_history_idx ON deliveries (webhook_id, status, id);
CREATE INDEX deliveries_owner_idx ON deliveries (owner) WHERE owner IS NOT NULL;

CREATE TABLE attempts (
  delivery_id uuid NOT NULL,
  number smallint NOT NULL,
  tenant_id uuid NOT NULL,
  started_at timestamptz NOT NULL,
  duration_ms integer NOT NULL,
  status_code smallint,
  error_class text,
  error text,
  PRIMARY KEY (delivery_id, number)
) PARTITION BY RANGE (delivery_id);

CREATE TABLE attempt_responses (
  delivery_id uuid NOT NULL,
  number smallint NOT NULL,
  tenant_id uuid NOT NULL,
  body bytea NOT NULL,
  truncated boolean NOT NULL DEFAULT false,
  PRIMARY KEY (delivery_id, number)
) PARTITION BY RANGE (delivery_id);

CREATE TABLE waiting_deliveries (
  delivery_id uuid PRIMARY KEY,
  tenant_id uuid NOT NULL,
  webhook_id uuid NOT NULL,
  due_at timestamptz NOT NULL
);
COMMENT ON TABLE waiting_deliveries IS 'pending deliveries that no dispatcher holds: backlog and retries; a claim takes the row away';
CREATE INDEX waiting_deliveries_webhook_idx ON waiting_deliveries (webhook_id, due_at, delivery_id);
ALTER TABLE waiting_deliveries SET (autovacuum_vacuum_scale_factor = 0.01, autovacuum_vacuum_threshold = 1000);
`;

const OWNERSHIP = `
CREATE TABLE dispatchers (
  id uuid PRIMARY KEY,
  host text NOT NULL,
  pid integer NOT NULL,
  started_at timestamptz NOT NULL DEFAULT now(),
  heartbeat_at timestamptz NOT NULL DEFAULT now()
);

CREATE TABLE webhook_leases (
  webhook_id uuid PRIMARY KEY,
  owner uuid NOT NULL,
  epoch bigint NOT NULL DEFAULT 1,
  expires_at timestamptz NOT NULL
);
COMMENT ON TABLE webhook_leases IS 'the one dispatcher at a time that sends for a webhook with limits, ordering or an open breaker';
`;

const STATISTICS = `
CREATE TABLE stats_deltas (
  id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
  tenant_id uuid NOT NULL,
  webhook_id uuid NOT NULL,
  event_type text NOT NULL,
  hour timestamptz NOT NULL,
  created integer NOT NULL DEFAULT 0,
  successful integer NOT NULL DEFAULT 0,
  failed integer NOT NULL DEFAULT 0,
  cancelled integer NOT NULL DEFAULT 0,
  response_times_ms integer[] NOT NULL DEFAULT '{}',
  last_delivery_at timestamptz
);
COMMENT ON TABLE stats_deltas IS 'what fan-outs and recorders added, in their own commits, until it is folded into the two tables below';
CREATE INDEX stats_deltas_webhook_idx ON stats_deltas (webhook_id);
ALTER TABLE stats_deltas SET (autovacuum_vacuum_scale_factor = 0, autovacuum_vacuum_threshold = 5000);

CREATE TABLE hourly_stats (
  webhook_id uuid NOT NULL,
  hour timestamptz NOT NULL,
  event_type text NOT NULL,
  tenant_id uuid NOT NULL,
  created bigint NOT NULL,
  successful bigint NOT NULL,
  failed bigint NOT NULL,
  cancelled bigint NOT NULL,
  response_time_count bigint NOT NULL,
  response_time_ms_sum bigint NOT NULL,
  histogram_buckets smallint[] NOT NULL,
  histogram_counts bigint[] NOT NULL,
  PRIMARY KEY (webhook_id, hour, event_type)
) WITH (fillfactor = 70);
COMMENT ON COLUMN hourly_stats.hour IS 'of the creation of the deliveries counted';

CREATE TABLE webhook_totals (
  webhook_id uuid PRIMARY KEY,
  tenant_id uuid NOT NULL,
  created bigint NOT NULL,
  successful bigint NOT NULL,
  failed bigint NOT NULL,
  cancelled bigint NOT NULL,
  response_time_count bigint NOT NULL,
  response_time_ms_sum bigint NOT NULL,
  last_delivery_at timestamptz
) WITH (fillfactor = 70);
`;

const PARTITIONS = `
CREATE FUNCTION uuid_floor(instant timestamptz) RETURNS uuid
LANGUAGE sql IMMUTABLE PARALLEL SAFE
RETURN (lpad(to_hex(greatest(0, floor(extract(epoch FROM instant) * 1000))::bigint), 12, '0') || repeat('0', 20))::uuid;
COMMENT ON FUNCTION uuid_floor IS 'the smallest id of an instant';

-- Runs as its owner, so that the apps need no right to make tables.
CREATE FUNCTION ensure_partitions(since timestamptz, until timestamptz) RETURNS integer
LANGUAGE plpgsql SECURITY DEFINER SET search_path = public, pg_temp AS $$
DECLARE
  parent text;
  partition text;
  week timestamptz;
  made integer := 0;
BEGIN
  FOREACH parent IN ARRAY ARRAY['events', 'event_payloads', 'deliveries', 'attempts', 'attempt_responses'] LOOP
    week := date_trunc('week', since, 'UTC');
    WHILE week < until LOOP
      partition := format('%s_%s', parent, to_char(week AT TIME ZONE 'UTC', 'IYYY"w"IW'));
      IF to_regclass(quote_ident(partition)) IS NULL THEN
        -- Two apps that start together make the same partitions: one waits here and finds them made.
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
REVOKE ALL ON FUNCTION ensure_partitions FROM public;
SELECT ensure_partitions(now() - interval '1 day', now() + interval '28 days');
`;

const TENANT_WALL = `
CREATE FUNCTION current_tenant() RETURNS uuid
LANGUAGE sql STABLE PARALLEL SAFE
RETURN nullif(current_setting('app.tenant_id', true), '')::uuid;
COMMENT ON FUNCTION current_tenant IS 'the tenant of the running transaction; null, which matches no row, when none is set';

DO $$
DECLARE name text;
BEGIN
  FOREACH name IN ARRAY ARRAY['tenants', 'users', 'tokens', 'webhooks', 'events', 'event_payloads', 'idempotency_keys', 'deliveries',
    'attempts', 'attempt_responses', 'waiting_deliveries', 'stats_deltas', 'hourly_stats', 'webhook_totals'] LOOP
    EXECUTE format('ALTER TABLE %I ENABLE ROW LEVEL SECURITY', name);
    EXECUTE format('CREATE POLICY tenant_wall ON %I TO webhooks_request USING (%I = current_tenant()) WITH CHECK (%I = current_tenant())',
      name, CASE name WHEN 'tenants' THEN 'id' ELSE 'tenant_id' END, CASE name WHEN 'tenants' THEN 'id' ELSE 'tenant_id' END);
    EXECUTE format('CREATE POLICY service ON %I TO webhooks_service USING (true) WITH CHECK (true)', name);
  END LOOP;
END $$;
`;

const GRANTS = `
-- Lets the apps, which may not read the migrations' own table, wait for a migration.
CREATE FUNCTION schema_has_migration(wanted text) RETURNS boolean
LANGUAGE sql STABLE SECURITY DEFINER SET search_path = public, pg_temp
AS 'SELECT EXISTS (SELECT FROM schema_migrations WHERE name = wanted)';
GRANT EXECUTE ON FUNCTION schema_has_migration TO webhooks_request, webhooks_service;

DO $$ BEGIN EXECUTE format('GRANT USAGE ON SCHEMA %I TO webhooks_request, webhooks_service', current_schema()); END $$;

GRANT SELECT ON tenants, events, event_payloads, idempotency_keys, deliveries, attempts, attempt_responses, waiting_deliveries,
  stats_deltas, hourly_stats, webhook_totals TO webhooks_request;
GRANT SELECT, INSERT, UPDATE ON users, tokens, webhooks TO webhooks_request;
GRANT INSERT ON deliveries, waiting_deliveries, stats_deltas TO webhooks_request;
GRANT UPDATE (webhooks_version, changed_at) ON tenants TO webhooks_request;

GRANT SELECT, INSERT, UPDATE, DELETE ON tenants, users, tokens, webhooks, events, event_payloads, idempotency_keys, event_batches,
  deliveries, attempts, attempt_responses, waiting_deliveries, dispatchers, webhook_leases, stats_deltas, hourly_stats,
  webhook_totals TO webhooks_service;
GRANT EXECUTE ON FUNCTION ensure_partitions TO webhooks_service;
`;
