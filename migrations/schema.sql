-- Written by "npm run schema"; compared by test/integration/schema-dump.spec.ts.

-- Tables
CREATE TABLE attempt_responses (
  delivery_id uuid NOT NULL,
  number smallint NOT NULL,
  tenant_id uuid NOT NULL,
  body bytea NOT NULL,
  truncated boolean NOT NULL DEFAULT false
) PARTITION BY RANGE (delivery_id);
CREATE TABLE attempts (
  delivery_id uuid NOT NULL,
  number smallint NOT NULL,
  tenant_id uuid NOT NULL,
  started_at timestamp with time zone NOT NULL,
  duration_ms integer NOT NULL,
  status_code smallint,
  error_class text,
  error text
) PARTITION BY RANGE (delivery_id);
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
  next_attempt_at timestamp with time zone,
  last_attempt_at timestamp with time zone,
  response_code smallint,
  response_time_ms integer,
  error_class text,
  error text,
  original_delivery_id uuid,
  probes smallint NOT NULL DEFAULT 0
) PARTITION BY RANGE (id);
CREATE TABLE delivery_stats (
  webhook_id uuid NOT NULL,
  hour timestamp with time zone NOT NULL,
  event_type text NOT NULL,
  tenant_id uuid NOT NULL,
  created bigint NOT NULL,
  successful bigint NOT NULL,
  failed bigint NOT NULL,
  cancelled bigint NOT NULL,
  response_time_count bigint NOT NULL,
  response_time_ms_sum bigint NOT NULL,
  histogram_buckets smallint[] NOT NULL,
  histogram_counts bigint[] NOT NULL
) WITH (fillfactor=70);
CREATE TABLE dispatchers (
  id uuid NOT NULL,
  host text NOT NULL,
  pid integer NOT NULL,
  started_at timestamp with time zone NOT NULL DEFAULT now(),
  heartbeat_at timestamp with time zone NOT NULL DEFAULT now(),
  process_place text,
  process_start_ticks text
);
CREATE TABLE event_keys (
  tenant_id uuid NOT NULL,
  key_hash bytea NOT NULL,
  fingerprint bytea NOT NULL,
  event_id uuid NOT NULL,
  expires_at timestamp with time zone NOT NULL
);
CREATE TABLE event_payloads (
  event_id uuid NOT NULL,
  tenant_id uuid NOT NULL,
  data bytea NOT NULL
) PARTITION BY RANGE (event_id);
CREATE TABLE event_type_versions (
  tenant_id uuid NOT NULL,
  name text NOT NULL,
  version integer NOT NULL,
  schema text,
  example text,
  created_at timestamp with time zone NOT NULL DEFAULT now()
);
CREATE TABLE event_types (
  tenant_id uuid NOT NULL,
  name text NOT NULL,
  description text NOT NULL,
  version integer NOT NULL DEFAULT 1,
  created_at timestamp with time zone NOT NULL DEFAULT now(),
  updated_at timestamp with time zone NOT NULL DEFAULT now(),
  archived_at timestamp with time zone
);
CREATE TABLE events (
  id uuid NOT NULL,
  tenant_id uuid NOT NULL,
  project_id text,
  type text NOT NULL,
  client_event_id text,
  occurred_at timestamp with time zone NOT NULL,
  version text NOT NULL,
  priority smallint NOT NULL DEFAULT 0,
  ordering_key text,
  deliver_at timestamp with time zone,
  cancelled_at timestamp with time zone,
  data_bytes integer NOT NULL
) PARTITION BY RANGE (id);
CREATE TABLE pending_fan_outs (
  id uuid NOT NULL,
  due_at timestamp with time zone NOT NULL,
  priority smallint NOT NULL DEFAULT 0,
  event_ids uuid[] NOT NULL
) WITH (autovacuum_vacuum_scale_factor=0, autovacuum_vacuum_threshold=1000);
CREATE TABLE publish_windows (
  tenant_id uuid NOT NULL,
  second bigint NOT NULL,
  taken integer NOT NULL
) WITH (fillfactor=50);
CREATE TABLE redelivery_jobs (
  id uuid NOT NULL,
  tenant_id uuid NOT NULL,
  webhook_id uuid NOT NULL,
  status text NOT NULL DEFAULT 'pending'::text,
  reason text,
  delivery_status text NOT NULL,
  event_types text[],
  start_at timestamp with time zone,
  end_at timestamp with time zone,
  rate_per_second integer NOT NULL,
  matched bigint NOT NULL,
  redelivered bigint NOT NULL DEFAULT 0,
  skipped bigint NOT NULL DEFAULT 0,
  after_id uuid NOT NULL,
  until_id uuid NOT NULL,
  due_at timestamp with time zone NOT NULL DEFAULT now(),
  failures smallint NOT NULL DEFAULT 0,
  created_at timestamp with time zone NOT NULL DEFAULT now(),
  started_at timestamp with time zone,
  finished_at timestamp with time zone
);
CREATE TABLE schema_migrations (
  id integer NOT NULL DEFAULT nextval('schema_migrations_id_seq'::regclass),
  timestamp bigint NOT NULL,
  name character varying NOT NULL
);
CREATE TABLE stats_deltas (
  id bigint NOT NULL GENERATED ALWAYS AS IDENTITY,
  tenant_id uuid NOT NULL,
  webhook_id uuid NOT NULL,
  event_type text NOT NULL,
  hour timestamp with time zone NOT NULL,
  created integer NOT NULL DEFAULT 0,
  successful integer NOT NULL DEFAULT 0,
  failed integer NOT NULL DEFAULT 0,
  cancelled integer NOT NULL DEFAULT 0,
  response_times_ms integer[] NOT NULL DEFAULT '{}'::integer[],
  last_delivery_at timestamp with time zone
) WITH (autovacuum_vacuum_scale_factor=0, autovacuum_vacuum_threshold=5000);
CREATE TABLE tenants (
  id uuid NOT NULL,
  name text NOT NULL,
  status text NOT NULL DEFAULT 'active'::text,
  limits jsonb NOT NULL DEFAULT '{}'::jsonb,
  webhooks_version bigint NOT NULL DEFAULT 0,
  created_at timestamp with time zone NOT NULL DEFAULT now(),
  changed_at timestamp with time zone NOT NULL DEFAULT now(),
  deleted_at timestamp with time zone,
  event_types_version bigint NOT NULL DEFAULT 0,
  schema_validation jsonb NOT NULL DEFAULT '{}'::jsonb
);
CREATE TABLE test_windows (
  webhook_id uuid NOT NULL,
  tenant_id uuid NOT NULL,
  started_at timestamp with time zone NOT NULL,
  sent integer NOT NULL
) WITH (fillfactor=50);
CREATE TABLE tokens (
  id uuid NOT NULL,
  tenant_id uuid NOT NULL,
  user_id uuid NOT NULL,
  name text NOT NULL,
  hash bytea NOT NULL,
  scopes text[] NOT NULL,
  project_id text,
  expires_at timestamp with time zone,
  last_used_at timestamp with time zone,
  created_at timestamp with time zone NOT NULL DEFAULT now(),
  revoked_at timestamp with time zone
);
CREATE TABLE users (
  id uuid NOT NULL,
  tenant_id uuid NOT NULL,
  name text NOT NULL,
  email text,
  created_at timestamp with time zone NOT NULL DEFAULT now(),
  deleted_at timestamp with time zone
);
CREATE TABLE waiting_deliveries (
  delivery_id uuid NOT NULL,
  tenant_id uuid NOT NULL,
  webhook_id uuid NOT NULL,
  due_at timestamp with time zone NOT NULL,
  priority smallint NOT NULL DEFAULT 0
) WITH (autovacuum_vacuum_scale_factor=0.01, autovacuum_vacuum_threshold=1000);
CREATE TABLE webhook_health (
  webhook_id uuid NOT NULL,
  tenant_id uuid NOT NULL,
  failing_since timestamp with time zone NOT NULL DEFAULT now(),
  failures integer NOT NULL,
  last_failure_at timestamp with time zone NOT NULL DEFAULT now(),
  last_error text,
  warnings smallint NOT NULL DEFAULT 0,
  open_until timestamp with time zone,
  probe_after_ms integer
) WITH (fillfactor=50);
CREATE TABLE webhook_leases (
  webhook_id uuid NOT NULL,
  owner uuid NOT NULL,
  taken_at timestamp with time zone NOT NULL DEFAULT now()
);
CREATE TABLE webhook_totals (
  webhook_id uuid NOT NULL,
  tenant_id uuid NOT NULL,
  created bigint NOT NULL,
  successful bigint NOT NULL,
  failed bigint NOT NULL,
  cancelled bigint NOT NULL,
  response_time_count bigint NOT NULL,
  response_time_ms_sum bigint NOT NULL,
  last_delivery_at timestamp with time zone
) WITH (fillfactor=70);
CREATE TABLE webhooks (
  id uuid NOT NULL,
  tenant_id uuid NOT NULL,
  project_id text,
  name text NOT NULL,
  description text,
  url text NOT NULL,
  events text[] NOT NULL,
  sealed_secret bytea NOT NULL,
  sealed_headers bytea,
  header_names text[] NOT NULL DEFAULT '{}'::text[],
  active boolean NOT NULL DEFAULT true,
  timeout_ms integer NOT NULL DEFAULT 30000,
  retry_policy jsonb NOT NULL,
  on_inactive text NOT NULL DEFAULT 'drop'::text,
  rate_limit integer,
  max_in_flight integer,
  disabled_reason text,
  version bigint NOT NULL DEFAULT 1,
  created_by uuid NOT NULL,
  created_at timestamp with time zone NOT NULL DEFAULT now(),
  updated_at timestamp with time zone NOT NULL DEFAULT now(),
  deleted_at timestamp with time zone,
  event_versions jsonb NOT NULL DEFAULT '{}'::jsonb
);

-- Constraints
ALTER TABLE attempt_responses ADD CONSTRAINT attempt_responses_pkey PRIMARY KEY (delivery_id, number);
ALTER TABLE attempts ADD CONSTRAINT attempts_pkey PRIMARY KEY (delivery_id, number);
ALTER TABLE deliveries ADD CONSTRAINT deliveries_pkey PRIMARY KEY (id);
ALTER TABLE deliveries ADD CONSTRAINT deliveries_state_check CHECK ((state = ANY (ARRAY['queued'::text, 'in_flight'::text, 'retrying'::text, 'scheduled'::text, 'held'::text, 'throttled'::text, 'delivered'::text, 'exhausted'::text, 'cancelled'::text])));
ALTER TABLE deliveries ADD CONSTRAINT deliveries_status_check CHECK ((status = ANY (ARRAY['pending'::text, 'success'::text, 'failed'::text])));
ALTER TABLE delivery_stats ADD CONSTRAINT delivery_stats_pkey PRIMARY KEY (webhook_id, hour, event_type);
ALTER TABLE dispatchers ADD CONSTRAINT dispatchers_pkey PRIMARY KEY (id);
ALTER TABLE event_keys ADD CONSTRAINT event_keys_pkey PRIMARY KEY (tenant_id, key_hash);
ALTER TABLE event_payloads ADD CONSTRAINT event_payloads_pkey PRIMARY KEY (event_id);
ALTER TABLE event_type_versions ADD CONSTRAINT event_type_versions_pkey PRIMARY KEY (tenant_id, name, version);
ALTER TABLE event_type_versions ADD CONSTRAINT event_type_versions_tenant_id_name_fkey FOREIGN KEY (tenant_id, name) REFERENCES event_types(tenant_id, name);
ALTER TABLE event_types ADD CONSTRAINT event_types_pkey PRIMARY KEY (tenant_id, name);
ALTER TABLE event_types ADD CONSTRAINT event_types_tenant_id_fkey FOREIGN KEY (tenant_id) REFERENCES tenants(id);
ALTER TABLE events ADD CONSTRAINT events_pkey PRIMARY KEY (id);
ALTER TABLE pending_fan_outs ADD CONSTRAINT pending_fan_outs_pkey PRIMARY KEY (id);
ALTER TABLE publish_windows ADD CONSTRAINT publish_windows_pkey PRIMARY KEY (tenant_id);
ALTER TABLE redelivery_jobs ADD CONSTRAINT redelivery_jobs_delivery_status_check CHECK ((delivery_status = ANY (ARRAY['pending'::text, 'success'::text, 'failed'::text])));
ALTER TABLE redelivery_jobs ADD CONSTRAINT redelivery_jobs_pkey PRIMARY KEY (id);
ALTER TABLE redelivery_jobs ADD CONSTRAINT redelivery_jobs_status_check CHECK ((status = ANY (ARRAY['pending'::text, 'running'::text, 'completed'::text, 'cancelled'::text, 'failed'::text])));
ALTER TABLE redelivery_jobs ADD CONSTRAINT redelivery_jobs_webhook_id_fkey FOREIGN KEY (webhook_id) REFERENCES webhooks(id) ON DELETE CASCADE;
ALTER TABLE schema_migrations ADD CONSTRAINT PK_62441bec32630ced9e4cccae336 PRIMARY KEY (id);
ALTER TABLE stats_deltas ADD CONSTRAINT stats_deltas_pkey PRIMARY KEY (id);
ALTER TABLE tenants ADD CONSTRAINT tenants_pkey PRIMARY KEY (id);
ALTER TABLE tenants ADD CONSTRAINT tenants_status_check CHECK ((status = ANY (ARRAY['active'::text, 'suspended'::text])));
ALTER TABLE test_windows ADD CONSTRAINT test_windows_pkey PRIMARY KEY (webhook_id);
ALTER TABLE test_windows ADD CONSTRAINT test_windows_webhook_id_fkey FOREIGN KEY (webhook_id) REFERENCES webhooks(id) ON DELETE CASCADE;
ALTER TABLE tokens ADD CONSTRAINT tokens_hash_key UNIQUE (hash);
ALTER TABLE tokens ADD CONSTRAINT tokens_pkey PRIMARY KEY (id);
ALTER TABLE tokens ADD CONSTRAINT tokens_tenant_id_fkey FOREIGN KEY (tenant_id) REFERENCES tenants(id);
ALTER TABLE tokens ADD CONSTRAINT tokens_user_id_fkey FOREIGN KEY (user_id) REFERENCES users(id);
ALTER TABLE users ADD CONSTRAINT users_pkey PRIMARY KEY (id);
ALTER TABLE users ADD CONSTRAINT users_tenant_id_fkey FOREIGN KEY (tenant_id) REFERENCES tenants(id);
ALTER TABLE waiting_deliveries ADD CONSTRAINT waiting_deliveries_pkey PRIMARY KEY (delivery_id);
ALTER TABLE webhook_health ADD CONSTRAINT webhook_health_pkey PRIMARY KEY (webhook_id);
ALTER TABLE webhook_leases ADD CONSTRAINT webhook_leases_owner_fkey FOREIGN KEY (owner) REFERENCES dispatchers(id) ON DELETE CASCADE;
ALTER TABLE webhook_leases ADD CONSTRAINT webhook_leases_pkey PRIMARY KEY (webhook_id);
ALTER TABLE webhook_totals ADD CONSTRAINT webhook_totals_pkey PRIMARY KEY (webhook_id);
ALTER TABLE webhooks ADD CONSTRAINT webhooks_created_by_fkey FOREIGN KEY (created_by) REFERENCES users(id);
ALTER TABLE webhooks ADD CONSTRAINT webhooks_on_inactive_check CHECK ((on_inactive = ANY (ARRAY['drop'::text, 'hold'::text])));
ALTER TABLE webhooks ADD CONSTRAINT webhooks_pkey PRIMARY KEY (id);
ALTER TABLE webhooks ADD CONSTRAINT webhooks_tenant_id_fkey FOREIGN KEY (tenant_id) REFERENCES tenants(id);

-- Indexes
CREATE INDEX deliveries_history_idx ON ONLY public.deliveries USING btree (webhook_id, status, id);
CREATE INDEX deliveries_owner_idx ON ONLY public.deliveries USING btree (owner) WHERE (owner IS NOT NULL);
CREATE INDEX deliveries_tests_idx ON ONLY public.deliveries USING btree (webhook_id, id) WHERE is_test;
CREATE INDEX event_keys_expires_at_idx ON public.event_keys USING btree (expires_at);
CREATE INDEX events_tenant_idx ON ONLY public.events USING btree (tenant_id, id);
CREATE INDEX pending_fan_outs_due_idx ON public.pending_fan_outs USING btree (due_at, id);
CREATE INDEX redelivery_jobs_due_idx ON public.redelivery_jobs USING btree (due_at) WHERE (status = ANY (ARRAY['pending'::text, 'running'::text]));
CREATE INDEX redelivery_jobs_finished_at_idx ON public.redelivery_jobs USING btree (finished_at) WHERE (finished_at IS NOT NULL);
CREATE INDEX redelivery_jobs_webhook_idx ON public.redelivery_jobs USING btree (webhook_id, id);
CREATE INDEX stats_deltas_webhook_idx ON public.stats_deltas USING btree (webhook_id);
CREATE INDEX tenants_changed_at_idx ON public.tenants USING btree (changed_at);
CREATE INDEX tokens_revoked_at_idx ON public.tokens USING btree (revoked_at) WHERE (revoked_at IS NOT NULL);
CREATE INDEX tokens_tenant_idx ON public.tokens USING btree (tenant_id, id);
CREATE INDEX users_tenant_idx ON public.users USING btree (tenant_id, id);
CREATE INDEX waiting_deliveries_priority_idx ON public.waiting_deliveries USING btree (webhook_id, priority, due_at, delivery_id);
CREATE INDEX waiting_deliveries_webhook_idx ON public.waiting_deliveries USING btree (webhook_id, due_at, delivery_id);
CREATE INDEX webhook_health_since_idx ON public.webhook_health USING btree (failing_since);
CREATE INDEX webhook_leases_owner_idx ON public.webhook_leases USING btree (owner);
CREATE INDEX webhooks_tenant_idx ON public.webhooks USING btree (tenant_id, id) WHERE (deleted_at IS NULL);
CREATE UNIQUE INDEX redelivery_jobs_unfinished_idx ON public.redelivery_jobs USING btree (webhook_id) WHERE (status = ANY (ARRAY['pending'::text, 'running'::text]));

-- Views and triggers


-- Functions
CREATE OR REPLACE FUNCTION public.current_tenant()
 RETURNS uuid
 LANGUAGE sql
 STABLE PARALLEL SAFE
RETURN (NULLIF(current_setting('app.tenant_id'::text, true), ''::text))::uuid
;
CREATE OR REPLACE FUNCTION public.ensure_partitions(since timestamp with time zone, until timestamp with time zone)
 RETURNS integer
 LANGUAGE plpgsql
 SECURITY DEFINER
 SET search_path TO 'public', 'pg_temp'
AS $function$
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
END $function$
;
CREATE OR REPLACE FUNCTION public.schema_has_migration(wanted text)
 RETURNS boolean
 LANGUAGE sql
 STABLE SECURITY DEFINER
 SET search_path TO 'public', 'pg_temp'
AS $function$SELECT EXISTS (SELECT FROM schema_migrations WHERE name = wanted)$function$
;
CREATE OR REPLACE FUNCTION public.uuid_floor(instant timestamp with time zone)
 RETURNS uuid
 LANGUAGE sql
 IMMUTABLE PARALLEL SAFE
RETURN ((lpad(to_hex((GREATEST((0)::numeric, floor((EXTRACT(epoch FROM instant) * (1000)::numeric))))::bigint), 12, '0'::text) || repeat('0'::text, 20)))::uuid
;

-- Row-level security
ALTER TABLE attempt_responses ENABLE ROW LEVEL SECURITY;
ALTER TABLE attempts ENABLE ROW LEVEL SECURITY;
ALTER TABLE deliveries ENABLE ROW LEVEL SECURITY;
ALTER TABLE delivery_stats ENABLE ROW LEVEL SECURITY;
ALTER TABLE event_keys ENABLE ROW LEVEL SECURITY;
ALTER TABLE event_payloads ENABLE ROW LEVEL SECURITY;
ALTER TABLE event_type_versions ENABLE ROW LEVEL SECURITY;
ALTER TABLE event_types ENABLE ROW LEVEL SECURITY;
ALTER TABLE events ENABLE ROW LEVEL SECURITY;
ALTER TABLE redelivery_jobs ENABLE ROW LEVEL SECURITY;
ALTER TABLE stats_deltas ENABLE ROW LEVEL SECURITY;
ALTER TABLE tenants ENABLE ROW LEVEL SECURITY;
ALTER TABLE test_windows ENABLE ROW LEVEL SECURITY;
ALTER TABLE tokens ENABLE ROW LEVEL SECURITY;
ALTER TABLE users ENABLE ROW LEVEL SECURITY;
ALTER TABLE waiting_deliveries ENABLE ROW LEVEL SECURITY;
ALTER TABLE webhook_health ENABLE ROW LEVEL SECURITY;
ALTER TABLE webhook_totals ENABLE ROW LEVEL SECURITY;
ALTER TABLE webhooks ENABLE ROW LEVEL SECURITY;
CREATE POLICY batches ON attempt_responses FOR ALL TO webhooks_batch USING (true) WITH CHECK (true);
CREATE POLICY batches ON attempts FOR ALL TO webhooks_batch USING (true) WITH CHECK (true);
CREATE POLICY batches ON deliveries FOR ALL TO webhooks_batch USING (true) WITH CHECK (true);
CREATE POLICY batches ON delivery_stats FOR ALL TO webhooks_batch USING (true) WITH CHECK (true);
CREATE POLICY batches ON event_keys FOR ALL TO webhooks_batch USING (true) WITH CHECK (true);
CREATE POLICY batches ON event_payloads FOR ALL TO webhooks_batch USING (true) WITH CHECK (true);
CREATE POLICY batches ON event_type_versions FOR ALL TO webhooks_batch USING (true) WITH CHECK (true);
CREATE POLICY batches ON event_types FOR ALL TO webhooks_batch USING (true) WITH CHECK (true);
CREATE POLICY batches ON events FOR ALL TO webhooks_batch USING (true) WITH CHECK (true);
CREATE POLICY batches ON redelivery_jobs FOR ALL TO webhooks_batch USING (true) WITH CHECK (true);
CREATE POLICY batches ON stats_deltas FOR ALL TO webhooks_batch USING (true) WITH CHECK (true);
CREATE POLICY batches ON tenants FOR ALL TO webhooks_batch USING (true) WITH CHECK (true);
CREATE POLICY batches ON test_windows FOR ALL TO webhooks_batch USING (true) WITH CHECK (true);
CREATE POLICY batches ON tokens FOR ALL TO webhooks_batch USING (true) WITH CHECK (true);
CREATE POLICY batches ON users FOR ALL TO webhooks_batch USING (true) WITH CHECK (true);
CREATE POLICY batches ON waiting_deliveries FOR ALL TO webhooks_batch USING (true) WITH CHECK (true);
CREATE POLICY batches ON webhook_health FOR ALL TO webhooks_batch USING (true) WITH CHECK (true);
CREATE POLICY batches ON webhook_totals FOR ALL TO webhooks_batch USING (true) WITH CHECK (true);
CREATE POLICY batches ON webhooks FOR ALL TO webhooks_batch USING (true) WITH CHECK (true);
CREATE POLICY tenant_wall ON attempt_responses FOR ALL TO webhooks_request USING ((tenant_id = current_tenant())) WITH CHECK ((tenant_id = current_tenant()));
CREATE POLICY tenant_wall ON attempts FOR ALL TO webhooks_request USING ((tenant_id = current_tenant())) WITH CHECK ((tenant_id = current_tenant()));
CREATE POLICY tenant_wall ON deliveries FOR ALL TO webhooks_request USING ((tenant_id = current_tenant())) WITH CHECK ((tenant_id = current_tenant()));
CREATE POLICY tenant_wall ON delivery_stats FOR ALL TO webhooks_request USING ((tenant_id = current_tenant())) WITH CHECK ((tenant_id = current_tenant()));
CREATE POLICY tenant_wall ON event_keys FOR ALL TO webhooks_request USING ((tenant_id = current_tenant())) WITH CHECK ((tenant_id = current_tenant()));
CREATE POLICY tenant_wall ON event_payloads FOR ALL TO webhooks_request USING ((tenant_id = current_tenant())) WITH CHECK ((tenant_id = current_tenant()));
CREATE POLICY tenant_wall ON event_type_versions FOR ALL TO webhooks_request USING ((tenant_id = current_tenant())) WITH CHECK ((tenant_id = current_tenant()));
CREATE POLICY tenant_wall ON event_types FOR ALL TO webhooks_request USING ((tenant_id = current_tenant())) WITH CHECK ((tenant_id = current_tenant()));
CREATE POLICY tenant_wall ON events FOR ALL TO webhooks_request USING ((tenant_id = current_tenant())) WITH CHECK ((tenant_id = current_tenant()));
CREATE POLICY tenant_wall ON redelivery_jobs FOR ALL TO webhooks_request USING ((tenant_id = current_tenant())) WITH CHECK ((tenant_id = current_tenant()));
CREATE POLICY tenant_wall ON stats_deltas FOR ALL TO webhooks_request USING ((tenant_id = current_tenant())) WITH CHECK ((tenant_id = current_tenant()));
CREATE POLICY tenant_wall ON tenants FOR ALL TO webhooks_request USING ((id = current_tenant())) WITH CHECK ((id = current_tenant()));
CREATE POLICY tenant_wall ON test_windows FOR ALL TO webhooks_request USING ((tenant_id = current_tenant())) WITH CHECK ((tenant_id = current_tenant()));
CREATE POLICY tenant_wall ON tokens FOR ALL TO webhooks_request USING ((tenant_id = current_tenant())) WITH CHECK ((tenant_id = current_tenant()));
CREATE POLICY tenant_wall ON users FOR ALL TO webhooks_request USING ((tenant_id = current_tenant())) WITH CHECK ((tenant_id = current_tenant()));
CREATE POLICY tenant_wall ON waiting_deliveries FOR ALL TO webhooks_request USING ((tenant_id = current_tenant())) WITH CHECK ((tenant_id = current_tenant()));
CREATE POLICY tenant_wall ON webhook_health FOR ALL TO webhooks_request USING ((tenant_id = current_tenant())) WITH CHECK ((tenant_id = current_tenant()));
CREATE POLICY tenant_wall ON webhook_totals FOR ALL TO webhooks_request USING ((tenant_id = current_tenant())) WITH CHECK ((tenant_id = current_tenant()));
CREATE POLICY tenant_wall ON webhooks FOR ALL TO webhooks_request USING ((tenant_id = current_tenant())) WITH CHECK ((tenant_id = current_tenant()));

-- Grants
GRANT DELETE, INSERT, SELECT ON waiting_deliveries TO webhooks_request;
GRANT DELETE, INSERT, SELECT, UPDATE ON attempt_responses TO webhooks_batch;
GRANT DELETE, INSERT, SELECT, UPDATE ON attempts TO webhooks_batch;
GRANT DELETE, INSERT, SELECT, UPDATE ON deliveries TO webhooks_batch;
GRANT DELETE, INSERT, SELECT, UPDATE ON delivery_stats TO webhooks_batch;
GRANT DELETE, INSERT, SELECT, UPDATE ON dispatchers TO webhooks_batch;
GRANT DELETE, INSERT, SELECT, UPDATE ON event_keys TO webhooks_batch;
GRANT DELETE, INSERT, SELECT, UPDATE ON event_keys TO webhooks_request;
GRANT DELETE, INSERT, SELECT, UPDATE ON event_payloads TO webhooks_batch;
GRANT DELETE, INSERT, SELECT, UPDATE ON event_type_versions TO webhooks_batch;
GRANT DELETE, INSERT, SELECT, UPDATE ON event_types TO webhooks_batch;
GRANT DELETE, INSERT, SELECT, UPDATE ON events TO webhooks_batch;
GRANT DELETE, INSERT, SELECT, UPDATE ON pending_fan_outs TO webhooks_batch;
GRANT DELETE, INSERT, SELECT, UPDATE ON publish_windows TO webhooks_batch;
GRANT DELETE, INSERT, SELECT, UPDATE ON stats_deltas TO webhooks_batch;
GRANT DELETE, INSERT, SELECT, UPDATE ON tenants TO webhooks_batch;
GRANT DELETE, INSERT, SELECT, UPDATE ON tokens TO webhooks_batch;
GRANT DELETE, INSERT, SELECT, UPDATE ON users TO webhooks_batch;
GRANT DELETE, INSERT, SELECT, UPDATE ON waiting_deliveries TO webhooks_batch;
GRANT DELETE, INSERT, SELECT, UPDATE ON webhook_health TO webhooks_batch;
GRANT DELETE, INSERT, SELECT, UPDATE ON webhook_leases TO webhooks_batch;
GRANT DELETE, INSERT, SELECT, UPDATE ON webhook_totals TO webhooks_batch;
GRANT DELETE, INSERT, SELECT, UPDATE ON webhooks TO webhooks_batch;
GRANT DELETE, SELECT ON test_windows TO webhooks_batch;
GRANT DELETE, SELECT ON webhook_health TO webhooks_request;
GRANT DELETE, SELECT, UPDATE ON redelivery_jobs TO webhooks_batch;
GRANT EXECUTE ON FUNCTION current_tenant TO PUBLIC;
GRANT EXECUTE ON FUNCTION ensure_partitions TO webhooks_batch;
GRANT EXECUTE ON FUNCTION schema_has_migration TO PUBLIC;
GRANT EXECUTE ON FUNCTION schema_has_migration TO webhooks_batch;
GRANT EXECUTE ON FUNCTION schema_has_migration TO webhooks_request;
GRANT EXECUTE ON FUNCTION uuid_floor TO PUBLIC;
GRANT INSERT, SELECT ON attempt_responses TO webhooks_request;
GRANT INSERT, SELECT ON attempts TO webhooks_request;
GRANT INSERT, SELECT ON deliveries TO webhooks_request;
GRANT INSERT, SELECT ON event_payloads TO webhooks_request;
GRANT INSERT, SELECT ON redelivery_jobs TO webhooks_request;
GRANT INSERT, SELECT ON stats_deltas TO webhooks_request;
GRANT INSERT, SELECT, UPDATE ON event_type_versions TO webhooks_request;
GRANT INSERT, SELECT, UPDATE ON event_types TO webhooks_request;
GRANT INSERT, SELECT, UPDATE ON test_windows TO webhooks_request;
GRANT INSERT, SELECT, UPDATE ON tokens TO webhooks_request;
GRANT INSERT, SELECT, UPDATE ON users TO webhooks_request;
GRANT INSERT, SELECT, UPDATE ON webhooks TO webhooks_request;
GRANT SELECT ON delivery_stats TO webhooks_request;
GRANT SELECT ON events TO webhooks_request;
GRANT SELECT ON tenants TO webhooks_request;
GRANT SELECT ON webhook_totals TO webhooks_request;
GRANT UPDATE (changed_at) ON tenants TO webhooks_request;
GRANT UPDATE (due_at) ON waiting_deliveries TO webhooks_request;
GRANT UPDATE (error) ON deliveries TO webhooks_request;
GRANT UPDATE (event_types_version) ON tenants TO webhooks_request;
GRANT UPDATE (finished_at) ON redelivery_jobs TO webhooks_request;
GRANT UPDATE (next_attempt_at) ON deliveries TO webhooks_request;
GRANT UPDATE (reason) ON redelivery_jobs TO webhooks_request;
GRANT UPDATE (schema_validation) ON tenants TO webhooks_request;
GRANT UPDATE (state) ON deliveries TO webhooks_request;
GRANT UPDATE (status) ON deliveries TO webhooks_request;
GRANT UPDATE (status) ON redelivery_jobs TO webhooks_request;
GRANT UPDATE (webhooks_version) ON tenants TO webhooks_request;

-- Comments
COMMENT ON COLUMN deliveries.epoch IS 'how often it was claimed';
COMMENT ON COLUMN deliveries.owner IS 'the dispatcher that holds it; an outcome is recorded only where owner and epoch still match';
COMMENT ON COLUMN deliveries.probes IS 'attempts among "attempts" that asked whether anybody is there again, and do not count against max_attempts';
COMMENT ON COLUMN delivery_stats.hour IS 'of the creation of the deliveries counted';
COMMENT ON COLUMN dispatchers.process_place IS 'boot of the machine and pid namespace; null where the system does not tell';
COMMENT ON COLUMN event_payloads.data IS 'the bytes of "data" as published: never parsed and written again, so that numbers stay what they were';
COMMENT ON COLUMN event_type_versions.schema IS 'JSON as text, which keeps the order of its keys';
COMMENT ON COLUMN event_types.version IS 'the newest; all from 1 on exist';
COMMENT ON COLUMN redelivery_jobs.after_id IS 'the last delivery handled; moves in the commit that makes the new ones';
COMMENT ON COLUMN redelivery_jobs.delivery_status IS 'with event_types (null for all), start_at and end_at: which deliveries are meant';
COMMENT ON COLUMN redelivery_jobs.due_at IS 'when the next round is, which keeps the pace';
COMMENT ON COLUMN redelivery_jobs.failures IS 'rounds in a row that did not work';
COMMENT ON COLUMN redelivery_jobs.until_id IS 'behind the last delivery meant, and before all that the job makes';
COMMENT ON COLUMN tenants.changed_at IS 'last change of status, limits or webhooks; instances poll for recent ones';
COMMENT ON COLUMN tenants.event_types_version IS 'grows with every change to event types and their settings; 0: there never was one';
COMMENT ON COLUMN tenants.schema_validation IS 'off, warn or enforce for built_in and own; a missing key means the default';
COMMENT ON COLUMN tenants.webhooks_version IS 'grows with every change to a webhook; a dispatcher that knows a lower one reloads';
COMMENT ON COLUMN tokens.hash IS 'SHA-256 of the token, which itself is never stored';
COMMENT ON COLUMN webhook_health.open_until IS 'nobody answers: its deliveries wait, and at this instant one dispatcher sends a single probe';
COMMENT ON COLUMN webhooks.event_versions IS 'by event type the only version that the webhook gets';
COMMENT ON COLUMN webhooks.sealed_secret IS 'AES-256-GCM; the id of the key stands in front';
COMMENT ON FUNCTION current_tenant IS 'the tenant of the running transaction; null, which matches no row, when none is set';
COMMENT ON FUNCTION uuid_floor IS 'the smallest id of an instant';
COMMENT ON TABLE event_keys IS 'idempotency keys and event ids chosen by clients, until they expire';
COMMENT ON TABLE pending_fan_outs IS 'batches of accepted events whose deliveries do not exist yet; the row goes in the commit that makes them';
COMMENT ON TABLE publish_windows IS 'events that API instances reserved of a tenant''s limit in one second; lost in a crash, which does no harm';
COMMENT ON TABLE redelivery_jobs IS 'bulk redeliveries, until some time after they ended';
COMMENT ON TABLE stats_deltas IS 'what fan-outs and recorders added, in their own commits, until it is folded into the two tables below';
COMMENT ON TABLE test_windows IS 'test deliveries of a webhook in its present minute, over all instances';
COMMENT ON TABLE waiting_deliveries IS 'pending deliveries that no dispatcher holds: backlog and retries; a claim takes the row away';
COMMENT ON TABLE webhook_health IS 'webhooks whose attempts have failed without interruption; the first success removes the row';
COMMENT ON TABLE webhook_leases IS 'the one dispatcher at a time that sends for a webhook with limits';
