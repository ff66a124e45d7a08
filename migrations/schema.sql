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
CREATE TABLE audit_log (
  id uuid NOT NULL,
  tenant_id uuid NOT NULL,
  project_id text,
  action text NOT NULL,
  actor text NOT NULL,
  token_id uuid,
  user_id uuid,
  resource_type text NOT NULL,
  resource_id text NOT NULL,
  client_ip text,
  request_id text,
  details jsonb NOT NULL DEFAULT '{}'::jsonb
) PARTITION BY RANGE (id);
CREATE TABLE daily_stats (
  webhook_id uuid NOT NULL,
  day timestamp with time zone NOT NULL,
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
CREATE TABLE dispatchers (
  id uuid NOT NULL,
  host text NOT NULL,
  pid integer NOT NULL,
  started_at timestamp with time zone NOT NULL DEFAULT now(),
  heartbeat_at timestamp with time zone NOT NULL DEFAULT now(),
  process_namespace text,
  process_start_ticks text
);
CREATE TABLE event_batches (
  id uuid NOT NULL,
  due_at timestamp with time zone NOT NULL,
  priority smallint NOT NULL DEFAULT 0,
  event_ids uuid[] NOT NULL,
  key_hash bytea,
  position bigint,
  data_bytes bigint NOT NULL DEFAULT 0,
  owner uuid,
  was_opened boolean NOT NULL DEFAULT false
) WITH (autovacuum_vacuum_scale_factor=0, autovacuum_vacuum_threshold=1000);
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
CREATE TABLE hourly_stats (
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
CREATE TABLE idempotency_keys (
  tenant_id uuid NOT NULL,
  key_hash bytea NOT NULL,
  fingerprint bytea NOT NULL,
  event_id uuid NOT NULL,
  expires_at timestamp with time zone NOT NULL
);
CREATE TABLE inbound_action_runs (
  id uuid NOT NULL,
  tenant_id uuid NOT NULL,
  endpoint_id uuid NOT NULL,
  request_id uuid NOT NULL,
  action_id uuid NOT NULL,
  position smallint NOT NULL,
  type text NOT NULL,
  status text NOT NULL DEFAULT 'waiting'::text,
  attempts smallint NOT NULL DEFAULT 0,
  next_attempt_at timestamp with time zone,
  started_at timestamp with time zone,
  finished_at timestamp with time zone,
  result text,
  error text
) PARTITION BY RANGE (id);
CREATE TABLE inbound_actions (
  id uuid NOT NULL,
  tenant_id uuid NOT NULL,
  endpoint_id uuid NOT NULL,
  position smallint NOT NULL,
  type text NOT NULL,
  settings jsonb NOT NULL DEFAULT '{}'::jsonb,
  sealed_secrets bytea,
  condition text,
  retry_policy jsonb,
  webhook_id uuid,
  created_at timestamp with time zone NOT NULL DEFAULT now(),
  updated_at timestamp with time zone NOT NULL DEFAULT now()
);
CREATE TABLE inbound_channels (
  id uuid NOT NULL,
  tenant_id uuid NOT NULL,
  project_id text,
  name text NOT NULL,
  kind text NOT NULL,
  settings jsonb NOT NULL DEFAULT '{}'::jsonb,
  sealed_secrets bytea,
  is_default boolean NOT NULL DEFAULT false,
  created_at timestamp with time zone NOT NULL DEFAULT now(),
  updated_at timestamp with time zone NOT NULL DEFAULT now()
);
CREATE TABLE inbound_dedupe_keys (
  endpoint_id uuid NOT NULL,
  key_hash bytea NOT NULL,
  tenant_id uuid NOT NULL,
  request_id uuid NOT NULL,
  expires_at timestamp with time zone NOT NULL
);
CREATE TABLE inbound_endpoints (
  id uuid NOT NULL,
  tenant_id uuid NOT NULL,
  project_id text,
  name text NOT NULL,
  description text,
  enabled boolean NOT NULL DEFAULT true,
  url_key text NOT NULL,
  previous_url_key text,
  previous_url_key_until timestamp with time zone,
  hook_id text,
  methods text[] NOT NULL DEFAULT '{POST}'::text[],
  body jsonb NOT NULL DEFAULT '{}'::jsonb,
  schema text,
  allowed_ips text[] NOT NULL DEFAULT '{}'::text[],
  signature jsonb NOT NULL,
  sealed_secrets bytea NOT NULL,
  sealed_trigger_rule bytea,
  trigger_options jsonb NOT NULL DEFAULT '{}'::jsonb,
  dedupe jsonb,
  response jsonb NOT NULL DEFAULT '{}'::jsonb,
  rate_limit jsonb,
  debug boolean NOT NULL DEFAULT false,
  max_log_entries integer NOT NULL DEFAULT 1000,
  version bigint NOT NULL DEFAULT 1,
  created_by uuid,
  created_at timestamp with time zone NOT NULL DEFAULT now(),
  updated_at timestamp with time zone NOT NULL DEFAULT now(),
  changed_at timestamp with time zone NOT NULL DEFAULT now(),
  deleted_at timestamp with time zone
);
CREATE TABLE inbound_rate_windows (
  endpoint_id uuid NOT NULL,
  tenant_id uuid NOT NULL,
  number bigint NOT NULL,
  taken integer NOT NULL
) WITH (fillfactor=50);
CREATE TABLE inbound_records (
  id uuid NOT NULL,
  tenant_id uuid NOT NULL,
  endpoint_id uuid NOT NULL,
  table_name text NOT NULL,
  request_id uuid NOT NULL,
  data text NOT NULL,
  created_at timestamp with time zone NOT NULL DEFAULT now()
) PARTITION BY RANGE (id);
CREATE TABLE inbound_request_bodies (
  request_id uuid NOT NULL,
  tenant_id uuid NOT NULL,
  body bytea NOT NULL
) PARTITION BY RANGE (request_id);
CREATE TABLE inbound_requests (
  id uuid NOT NULL,
  tenant_id uuid NOT NULL,
  endpoint_id uuid NOT NULL,
  status text NOT NULL,
  code text NOT NULL,
  steps text NOT NULL,
  is_test boolean NOT NULL DEFAULT false,
  replay_of uuid,
  duplicate_of uuid,
  ip text NOT NULL,
  method text NOT NULL,
  path text NOT NULL,
  query text NOT NULL,
  headers text NOT NULL,
  content_type text,
  body_bytes integer NOT NULL,
  response_status smallint NOT NULL,
  response_headers text,
  response_body text
) PARTITION BY RANGE (id);
CREATE TABLE inbound_totals (
  endpoint_id uuid NOT NULL,
  tenant_id uuid NOT NULL,
  triggered bigint NOT NULL,
  last_triggered_at timestamp with time zone NOT NULL
) WITH (fillfactor=50);
CREATE TABLE inbound_trigger_deltas (
  id bigint NOT NULL GENERATED ALWAYS AS IDENTITY,
  tenant_id uuid NOT NULL,
  endpoint_id uuid NOT NULL,
  triggered integer NOT NULL,
  logged integer NOT NULL,
  last_triggered_at timestamp with time zone
) WITH (autovacuum_vacuum_scale_factor=0, autovacuum_vacuum_threshold=5000);
CREATE TABLE ordered_deliveries (
  webhook_id uuid NOT NULL,
  event_id uuid NOT NULL,
  tenant_id uuid NOT NULL,
  key_hash bytea NOT NULL,
  position bigint NOT NULL,
  delivery_id uuid NOT NULL,
  priority smallint NOT NULL,
  given_up boolean NOT NULL DEFAULT false
) WITH (autovacuum_vacuum_scale_factor=0.01, autovacuum_vacuum_threshold=1000);
CREATE TABLE ordering_keys (
  key_hash bytea NOT NULL,
  position bigint NOT NULL,
  used_at timestamp with time zone NOT NULL DEFAULT now()
) WITH (fillfactor=50);
CREATE TABLE ordering_queues (
  webhook_id uuid NOT NULL,
  key_hash bytea NOT NULL
) WITH (autovacuum_vacuum_scale_factor=0.01, autovacuum_vacuum_threshold=1000);
CREATE TABLE publish_rate_windows (
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
CREATE TABLE retiring_secrets (
  id uuid NOT NULL,
  tenant_id uuid NOT NULL,
  webhook_id uuid NOT NULL,
  sealed_secret bytea NOT NULL,
  expires_at timestamp with time zone NOT NULL
);
CREATE TABLE schema_migrations (
  id integer NOT NULL DEFAULT nextval('schema_migrations_id_seq'::regclass),
  timestamp bigint NOT NULL,
  name character varying NOT NULL
);
CREATE TABLE signing_keys (
  id uuid NOT NULL,
  tenant_id uuid NOT NULL,
  public_key bytea NOT NULL,
  sealed_private_key bytea NOT NULL,
  created_at timestamp with time zone NOT NULL DEFAULT now(),
  expires_at timestamp with time zone
);
CREATE TABLE slack_links (
  id uuid NOT NULL,
  tenant_id uuid NOT NULL,
  url_key text NOT NULL,
  sealed_signing_secret bytea NOT NULL,
  token_id uuid NOT NULL,
  team_id text,
  user_ids text[] NOT NULL DEFAULT '{}'::text[],
  created_at timestamp with time zone NOT NULL DEFAULT now(),
  updated_at timestamp with time zone NOT NULL DEFAULT now()
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
CREATE TABLE tenant_deletions (
  id uuid NOT NULL,
  requested_at timestamp with time zone NOT NULL,
  started_at timestamp with time zone,
  finished_at timestamp with time zone,
  step text NOT NULL DEFAULT 'waiting'::text,
  rows_deleted bigint NOT NULL DEFAULT 0
);
CREATE TABLE tenant_retention (
  tenant_id uuid NOT NULL,
  payloads_until uuid NOT NULL,
  records_until uuid NOT NULL
);
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
  schema_validation jsonb NOT NULL DEFAULT '{}'::jsonb,
  allowed_cidrs text[] NOT NULL DEFAULT '{}'::text[]
);
CREATE TABLE test_rate_windows (
  webhook_id uuid NOT NULL,
  tenant_id uuid NOT NULL,
  started_at timestamp with time zone NOT NULL,
  sent integer NOT NULL
) WITH (fillfactor=50);
CREATE TABLE token_networks (
  token_id uuid NOT NULL,
  network text NOT NULL,
  tenant_id uuid NOT NULL,
  first_seen_at timestamp with time zone NOT NULL DEFAULT now()
);
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
CREATE TABLE waiting_inbound_actions (
  run_id uuid NOT NULL,
  tenant_id uuid NOT NULL,
  endpoint_id uuid NOT NULL,
  due_at timestamp with time zone NOT NULL,
  owner uuid,
  epoch integer NOT NULL DEFAULT 0
) WITH (autovacuum_vacuum_scale_factor=0, autovacuum_vacuum_threshold=1000);
CREATE TABLE webhook_health (
  webhook_id uuid NOT NULL,
  tenant_id uuid NOT NULL,
  failing_since timestamp with time zone NOT NULL DEFAULT now(),
  failures integer NOT NULL,
  last_failure_at timestamp with time zone NOT NULL DEFAULT now(),
  last_error text,
  warnings smallint NOT NULL DEFAULT 0,
  unreachable_until timestamp with time zone,
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
  event_versions jsonb NOT NULL DEFAULT '{}'::jsonb,
  signature_types text[] NOT NULL DEFAULT '{v1}'::text[],
  kind text NOT NULL DEFAULT 'subscription'::text,
  ordered boolean NOT NULL DEFAULT false,
  on_exhausted text NOT NULL DEFAULT 'skip'::text,
  draining_since timestamp with time zone
);

-- Constraints
ALTER TABLE attempt_responses ADD CONSTRAINT attempt_responses_pkey PRIMARY KEY (delivery_id, number);
ALTER TABLE attempts ADD CONSTRAINT attempts_pkey PRIMARY KEY (delivery_id, number);
ALTER TABLE audit_log ADD CONSTRAINT audit_log_actor_check CHECK ((actor = ANY (ARRAY['token'::text, 'operator'::text, 'system'::text])));
ALTER TABLE audit_log ADD CONSTRAINT audit_log_pkey PRIMARY KEY (id);
ALTER TABLE daily_stats ADD CONSTRAINT daily_stats_pkey PRIMARY KEY (webhook_id, day, event_type);
ALTER TABLE deliveries ADD CONSTRAINT deliveries_pkey PRIMARY KEY (id);
ALTER TABLE deliveries ADD CONSTRAINT deliveries_state_check CHECK ((state = ANY (ARRAY['queued'::text, 'blocked'::text, 'in_flight'::text, 'retrying'::text, 'scheduled'::text, 'held'::text, 'throttled'::text, 'delivered'::text, 'exhausted'::text, 'cancelled'::text])));
ALTER TABLE deliveries ADD CONSTRAINT deliveries_status_check CHECK ((status = ANY (ARRAY['pending'::text, 'success'::text, 'failed'::text])));
ALTER TABLE dispatchers ADD CONSTRAINT dispatchers_pkey PRIMARY KEY (id);
ALTER TABLE event_batches ADD CONSTRAINT event_batches_pkey PRIMARY KEY (id);
ALTER TABLE event_payloads ADD CONSTRAINT event_payloads_pkey PRIMARY KEY (event_id);
ALTER TABLE event_type_versions ADD CONSTRAINT event_type_versions_pkey PRIMARY KEY (tenant_id, name, version);
ALTER TABLE event_type_versions ADD CONSTRAINT event_type_versions_tenant_id_name_fkey FOREIGN KEY (tenant_id, name) REFERENCES event_types(tenant_id, name);
ALTER TABLE event_types ADD CONSTRAINT event_types_pkey PRIMARY KEY (tenant_id, name);
ALTER TABLE event_types ADD CONSTRAINT event_types_tenant_id_fkey FOREIGN KEY (tenant_id) REFERENCES tenants(id);
ALTER TABLE events ADD CONSTRAINT events_pkey PRIMARY KEY (id);
ALTER TABLE hourly_stats ADD CONSTRAINT hourly_stats_pkey PRIMARY KEY (webhook_id, hour, event_type);
ALTER TABLE idempotency_keys ADD CONSTRAINT idempotency_keys_pkey PRIMARY KEY (tenant_id, key_hash);
ALTER TABLE inbound_action_runs ADD CONSTRAINT inbound_action_runs_pkey PRIMARY KEY (id);
ALTER TABLE inbound_action_runs ADD CONSTRAINT inbound_action_runs_status_check CHECK ((status = ANY (ARRAY['waiting'::text, 'running'::text, 'succeeded'::text, 'failed'::text, 'skipped'::text])));
ALTER TABLE inbound_actions ADD CONSTRAINT inbound_actions_endpoint_id_fkey FOREIGN KEY (endpoint_id) REFERENCES inbound_endpoints(id) ON DELETE CASCADE;
ALTER TABLE inbound_actions ADD CONSTRAINT inbound_actions_pkey PRIMARY KEY (id);
ALTER TABLE inbound_actions ADD CONSTRAINT inbound_actions_type_check CHECK ((type = ANY (ARRAY['notify'::text, 'forward'::text, 'log'::text, 'execute'::text, 'custom'::text])));
ALTER TABLE inbound_actions ADD CONSTRAINT inbound_actions_webhook_id_fkey FOREIGN KEY (webhook_id) REFERENCES webhooks(id);
ALTER TABLE inbound_channels ADD CONSTRAINT inbound_channels_kind_check CHECK ((kind = ANY (ARRAY['telegram'::text, 'discord'::text, 'slack'::text, 'dingtalk'::text, 'feishu'::text, 'wecom'::text, 'email'::text, 'http'::text])));
ALTER TABLE inbound_channels ADD CONSTRAINT inbound_channels_pkey PRIMARY KEY (id);
ALTER TABLE inbound_channels ADD CONSTRAINT inbound_channels_tenant_id_fkey FOREIGN KEY (tenant_id) REFERENCES tenants(id);
ALTER TABLE inbound_dedupe_keys ADD CONSTRAINT inbound_dedupe_keys_pkey PRIMARY KEY (endpoint_id, key_hash);
ALTER TABLE inbound_endpoints ADD CONSTRAINT inbound_endpoints_created_by_fkey FOREIGN KEY (created_by) REFERENCES users(id);
ALTER TABLE inbound_endpoints ADD CONSTRAINT inbound_endpoints_pkey PRIMARY KEY (id);
ALTER TABLE inbound_endpoints ADD CONSTRAINT inbound_endpoints_tenant_id_fkey FOREIGN KEY (tenant_id) REFERENCES tenants(id);
ALTER TABLE inbound_rate_windows ADD CONSTRAINT inbound_rate_windows_pkey PRIMARY KEY (endpoint_id);
ALTER TABLE inbound_records ADD CONSTRAINT inbound_records_pkey PRIMARY KEY (id);
ALTER TABLE inbound_request_bodies ADD CONSTRAINT inbound_request_bodies_pkey PRIMARY KEY (request_id);
ALTER TABLE inbound_requests ADD CONSTRAINT inbound_requests_pkey PRIMARY KEY (id);
ALTER TABLE inbound_requests ADD CONSTRAINT inbound_requests_status_check CHECK ((status = ANY (ARRAY['accepted'::text, 'ignored'::text, 'challenge'::text, 'duplicate'::text, 'rejected'::text])));
ALTER TABLE inbound_totals ADD CONSTRAINT inbound_totals_endpoint_id_fkey FOREIGN KEY (endpoint_id) REFERENCES inbound_endpoints(id) ON DELETE CASCADE;
ALTER TABLE inbound_totals ADD CONSTRAINT inbound_totals_pkey PRIMARY KEY (endpoint_id);
ALTER TABLE inbound_trigger_deltas ADD CONSTRAINT inbound_trigger_deltas_pkey PRIMARY KEY (id);
ALTER TABLE ordered_deliveries ADD CONSTRAINT ordered_deliveries_pkey PRIMARY KEY (webhook_id, event_id);
ALTER TABLE ordering_keys ADD CONSTRAINT ordering_keys_pkey PRIMARY KEY (key_hash);
ALTER TABLE ordering_queues ADD CONSTRAINT ordering_queues_pkey PRIMARY KEY (webhook_id, key_hash);
ALTER TABLE publish_rate_windows ADD CONSTRAINT publish_rate_windows_pkey PRIMARY KEY (tenant_id);
ALTER TABLE redelivery_jobs ADD CONSTRAINT redelivery_jobs_delivery_status_check CHECK ((delivery_status = ANY (ARRAY['pending'::text, 'success'::text, 'failed'::text])));
ALTER TABLE redelivery_jobs ADD CONSTRAINT redelivery_jobs_pkey PRIMARY KEY (id);
ALTER TABLE redelivery_jobs ADD CONSTRAINT redelivery_jobs_status_check CHECK ((status = ANY (ARRAY['pending'::text, 'running'::text, 'completed'::text, 'cancelled'::text, 'failed'::text])));
ALTER TABLE redelivery_jobs ADD CONSTRAINT redelivery_jobs_webhook_id_fkey FOREIGN KEY (webhook_id) REFERENCES webhooks(id) ON DELETE CASCADE;
ALTER TABLE retiring_secrets ADD CONSTRAINT retiring_secrets_pkey PRIMARY KEY (id);
ALTER TABLE retiring_secrets ADD CONSTRAINT retiring_secrets_webhook_id_fkey FOREIGN KEY (webhook_id) REFERENCES webhooks(id) ON DELETE CASCADE;
ALTER TABLE schema_migrations ADD CONSTRAINT PK_62441bec32630ced9e4cccae336 PRIMARY KEY (id);
ALTER TABLE signing_keys ADD CONSTRAINT signing_keys_pkey PRIMARY KEY (id);
ALTER TABLE signing_keys ADD CONSTRAINT signing_keys_tenant_id_fkey FOREIGN KEY (tenant_id) REFERENCES tenants(id);
ALTER TABLE slack_links ADD CONSTRAINT slack_links_pkey PRIMARY KEY (id);
ALTER TABLE slack_links ADD CONSTRAINT slack_links_tenant_id_fkey FOREIGN KEY (tenant_id) REFERENCES tenants(id);
ALTER TABLE slack_links ADD CONSTRAINT slack_links_tenant_id_key UNIQUE (tenant_id);
ALTER TABLE slack_links ADD CONSTRAINT slack_links_token_id_fkey FOREIGN KEY (token_id) REFERENCES tokens(id) ON DELETE CASCADE;
ALTER TABLE stats_deltas ADD CONSTRAINT stats_deltas_pkey PRIMARY KEY (id);
ALTER TABLE tenant_deletions ADD CONSTRAINT tenant_deletions_pkey PRIMARY KEY (id);
ALTER TABLE tenant_retention ADD CONSTRAINT tenant_retention_pkey PRIMARY KEY (tenant_id);
ALTER TABLE tenants ADD CONSTRAINT tenants_pkey PRIMARY KEY (id);
ALTER TABLE tenants ADD CONSTRAINT tenants_status_check CHECK ((status = ANY (ARRAY['active'::text, 'suspended'::text])));
ALTER TABLE test_rate_windows ADD CONSTRAINT test_rate_windows_pkey PRIMARY KEY (webhook_id);
ALTER TABLE test_rate_windows ADD CONSTRAINT test_rate_windows_webhook_id_fkey FOREIGN KEY (webhook_id) REFERENCES webhooks(id) ON DELETE CASCADE;
ALTER TABLE token_networks ADD CONSTRAINT token_networks_pkey PRIMARY KEY (token_id, network);
ALTER TABLE token_networks ADD CONSTRAINT token_networks_token_id_fkey FOREIGN KEY (token_id) REFERENCES tokens(id) ON DELETE CASCADE;
ALTER TABLE tokens ADD CONSTRAINT tokens_hash_key UNIQUE (hash);
ALTER TABLE tokens ADD CONSTRAINT tokens_pkey PRIMARY KEY (id);
ALTER TABLE tokens ADD CONSTRAINT tokens_tenant_id_fkey FOREIGN KEY (tenant_id) REFERENCES tenants(id);
ALTER TABLE tokens ADD CONSTRAINT tokens_user_id_fkey FOREIGN KEY (user_id) REFERENCES users(id);
ALTER TABLE users ADD CONSTRAINT users_pkey PRIMARY KEY (id);
ALTER TABLE users ADD CONSTRAINT users_tenant_id_fkey FOREIGN KEY (tenant_id) REFERENCES tenants(id);
ALTER TABLE waiting_deliveries ADD CONSTRAINT waiting_deliveries_pkey PRIMARY KEY (delivery_id);
ALTER TABLE waiting_inbound_actions ADD CONSTRAINT waiting_inbound_actions_pkey PRIMARY KEY (run_id);
ALTER TABLE webhook_health ADD CONSTRAINT webhook_health_pkey PRIMARY KEY (webhook_id);
ALTER TABLE webhook_leases ADD CONSTRAINT webhook_leases_owner_fkey FOREIGN KEY (owner) REFERENCES dispatchers(id) ON DELETE CASCADE;
ALTER TABLE webhook_leases ADD CONSTRAINT webhook_leases_pkey PRIMARY KEY (webhook_id);
ALTER TABLE webhook_totals ADD CONSTRAINT webhook_totals_pkey PRIMARY KEY (webhook_id);
ALTER TABLE webhooks ADD CONSTRAINT webhooks_created_by_fkey FOREIGN KEY (created_by) REFERENCES users(id);
ALTER TABLE webhooks ADD CONSTRAINT webhooks_kind_check CHECK ((kind = ANY (ARRAY['subscription'::text, 'inbound_forward'::text])));
ALTER TABLE webhooks ADD CONSTRAINT webhooks_on_exhausted_check CHECK ((on_exhausted = ANY (ARRAY['skip'::text, 'wait'::text])));
ALTER TABLE webhooks ADD CONSTRAINT webhooks_on_inactive_check CHECK ((on_inactive = ANY (ARRAY['drop'::text, 'hold'::text])));
ALTER TABLE webhooks ADD CONSTRAINT webhooks_pkey PRIMARY KEY (id);
ALTER TABLE webhooks ADD CONSTRAINT webhooks_signature_types_check CHECK (((signature_types <@ ARRAY['v1'::text, 'v1a'::text]) AND (cardinality(signature_types) > 0)));
ALTER TABLE webhooks ADD CONSTRAINT webhooks_tenant_id_fkey FOREIGN KEY (tenant_id) REFERENCES tenants(id);

-- Indexes
CREATE INDEX audit_log_resource_idx ON ONLY public.audit_log USING btree (tenant_id, resource_id, id);
CREATE INDEX audit_log_tenant_idx ON ONLY public.audit_log USING btree (tenant_id, id);
CREATE INDEX deliveries_history_idx ON ONLY public.deliveries USING btree (webhook_id, status, id);
CREATE INDEX deliveries_owner_idx ON ONLY public.deliveries USING btree (owner) WHERE (owner IS NOT NULL);
CREATE INDEX deliveries_tests_idx ON ONLY public.deliveries USING btree (webhook_id, id) WHERE is_test;
CREATE INDEX event_batches_due_idx ON public.event_batches USING btree (due_at, id) WHERE (key_hash IS NULL);
CREATE INDEX event_batches_key_idx ON public.event_batches USING btree (key_hash, "position") WHERE (key_hash IS NOT NULL);
CREATE INDEX events_tenant_idx ON ONLY public.events USING btree (tenant_id, id);
CREATE INDEX idempotency_keys_expires_at_idx ON public.idempotency_keys USING btree (expires_at);
CREATE INDEX inbound_actions_endpoint_idx ON public.inbound_actions USING btree (endpoint_id, "position", id);
CREATE INDEX inbound_actions_webhook_idx ON public.inbound_actions USING btree (webhook_id) WHERE (webhook_id IS NOT NULL);
CREATE INDEX inbound_dedupe_keys_expires_at_idx ON public.inbound_dedupe_keys USING btree (expires_at);
CREATE INDEX inbound_endpoints_changed_at_idx ON public.inbound_endpoints USING btree (changed_at);
CREATE INDEX inbound_endpoints_tenant_idx ON public.inbound_endpoints USING btree (tenant_id, id) WHERE (deleted_at IS NULL);
CREATE INDEX inbound_records_table_idx ON ONLY public.inbound_records USING btree (endpoint_id, table_name, id);
CREATE INDEX inbound_requests_history_idx ON ONLY public.inbound_requests USING btree (endpoint_id, id);
CREATE INDEX inbound_requests_status_idx ON ONLY public.inbound_requests USING btree (endpoint_id, status, id);
CREATE INDEX inbound_trigger_deltas_endpoint_idx ON public.inbound_trigger_deltas USING btree (endpoint_id);
CREATE INDEX ordered_deliveries_given_up_idx ON public.ordered_deliveries USING btree (webhook_id) WHERE given_up;
CREATE INDEX redelivery_jobs_due_idx ON public.redelivery_jobs USING btree (due_at) WHERE (status = ANY (ARRAY['pending'::text, 'running'::text]));
CREATE INDEX redelivery_jobs_finished_at_idx ON public.redelivery_jobs USING btree (finished_at) WHERE (finished_at IS NOT NULL);
CREATE INDEX redelivery_jobs_webhook_idx ON public.redelivery_jobs USING btree (webhook_id, id);
CREATE INDEX retiring_secrets_expires_at_idx ON public.retiring_secrets USING btree (expires_at);
CREATE INDEX retiring_secrets_tenant_idx ON public.retiring_secrets USING btree (tenant_id, webhook_id, id);
CREATE INDEX retiring_secrets_webhook_idx ON public.retiring_secrets USING btree (webhook_id);
CREATE INDEX signing_keys_expires_at_idx ON public.signing_keys USING btree (expires_at) WHERE (expires_at IS NOT NULL);
CREATE INDEX signing_keys_tenant_idx ON public.signing_keys USING btree (tenant_id, id);
CREATE INDEX slack_links_token_idx ON public.slack_links USING btree (token_id);
CREATE INDEX stats_deltas_webhook_idx ON public.stats_deltas USING btree (webhook_id);
CREATE INDEX tenants_changed_at_idx ON public.tenants USING btree (changed_at);
CREATE INDEX tenants_deleted_at_idx ON public.tenants USING btree (deleted_at) WHERE (deleted_at IS NOT NULL);
CREATE INDEX tokens_revoked_at_idx ON public.tokens USING btree (revoked_at) WHERE (revoked_at IS NOT NULL);
CREATE INDEX tokens_tenant_idx ON public.tokens USING btree (tenant_id, id);
CREATE INDEX users_tenant_idx ON public.users USING btree (tenant_id, id);
CREATE INDEX waiting_deliveries_due_idx ON public.waiting_deliveries USING btree (due_at);
CREATE INDEX waiting_deliveries_priority_idx ON public.waiting_deliveries USING btree (webhook_id, priority, due_at, delivery_id);
CREATE INDEX waiting_deliveries_webhook_idx ON public.waiting_deliveries USING btree (webhook_id, due_at, delivery_id);
CREATE INDEX waiting_inbound_actions_due_idx ON public.waiting_inbound_actions USING btree (due_at, run_id) WHERE (owner IS NULL);
CREATE INDEX waiting_inbound_actions_endpoint_idx ON public.waiting_inbound_actions USING btree (endpoint_id, due_at, run_id) WHERE (owner IS NULL);
CREATE INDEX waiting_inbound_actions_owner_idx ON public.waiting_inbound_actions USING btree (owner) WHERE (owner IS NOT NULL);
CREATE INDEX webhook_health_since_idx ON public.webhook_health USING btree (failing_since);
CREATE INDEX webhook_leases_owner_idx ON public.webhook_leases USING btree (owner);
CREATE INDEX webhooks_deleted_idx ON public.webhooks USING btree (tenant_id, id) WHERE (deleted_at IS NOT NULL);
CREATE INDEX webhooks_draining_idx ON public.webhooks USING btree (id) WHERE (draining_since IS NOT NULL);
CREATE INDEX webhooks_tenant_idx ON public.webhooks USING btree (tenant_id, id) WHERE (deleted_at IS NULL);
CREATE UNIQUE INDEX inbound_channels_default_idx ON public.inbound_channels USING btree (tenant_id) WHERE is_default;
CREATE UNIQUE INDEX inbound_channels_name_idx ON public.inbound_channels USING btree (tenant_id, name);
CREATE UNIQUE INDEX inbound_endpoints_hook_id_idx ON public.inbound_endpoints USING btree (hook_id) WHERE ((hook_id IS NOT NULL) AND (deleted_at IS NULL));
CREATE UNIQUE INDEX inbound_endpoints_name_idx ON public.inbound_endpoints USING btree (tenant_id, name) WHERE (deleted_at IS NULL);
CREATE UNIQUE INDEX inbound_endpoints_previous_url_key_idx ON public.inbound_endpoints USING btree (previous_url_key) WHERE (previous_url_key IS NOT NULL);
CREATE UNIQUE INDEX inbound_endpoints_url_key_idx ON public.inbound_endpoints USING btree (url_key);
CREATE UNIQUE INDEX ordered_deliveries_line_idx ON public.ordered_deliveries USING btree (webhook_id, key_hash, "position");
CREATE UNIQUE INDEX redelivery_jobs_unfinished_idx ON public.redelivery_jobs USING btree (webhook_id) WHERE (status = ANY (ARRAY['pending'::text, 'running'::text]));
CREATE UNIQUE INDEX signing_keys_newest_idx ON public.signing_keys USING btree (tenant_id) WHERE (expires_at IS NULL);
CREATE UNIQUE INDEX slack_links_url_key_idx ON public.slack_links USING btree (url_key);

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
END $function$
;
CREATE OR REPLACE FUNCTION public.purge_audit_of_deleted_tenant(tenant uuid, at_most integer)
 RETURNS integer
 LANGUAGE plpgsql
 SECURITY DEFINER
 SET search_path TO 'public', 'pg_temp'
AS $function$
DECLARE
  purged integer;
BEGIN
  IF EXISTS (SELECT FROM tenants WHERE id = tenant AND deleted_at IS NULL) THEN
    RAISE EXCEPTION 'the audit trail of a tenant that is not deleted stays' USING ERRCODE = 'insufficient_privilege';
  END IF;
  DELETE FROM audit_log WHERE id IN (SELECT a.id FROM audit_log a WHERE a.tenant_id = tenant LIMIT at_most);
  GET DIAGNOSTICS purged = ROW_COUNT;
  RETURN purged;
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
ALTER TABLE audit_log ENABLE ROW LEVEL SECURITY;
ALTER TABLE daily_stats ENABLE ROW LEVEL SECURITY;
ALTER TABLE deliveries ENABLE ROW LEVEL SECURITY;
ALTER TABLE event_payloads ENABLE ROW LEVEL SECURITY;
ALTER TABLE event_type_versions ENABLE ROW LEVEL SECURITY;
ALTER TABLE event_types ENABLE ROW LEVEL SECURITY;
ALTER TABLE events ENABLE ROW LEVEL SECURITY;
ALTER TABLE hourly_stats ENABLE ROW LEVEL SECURITY;
ALTER TABLE idempotency_keys ENABLE ROW LEVEL SECURITY;
ALTER TABLE inbound_action_runs ENABLE ROW LEVEL SECURITY;
ALTER TABLE inbound_actions ENABLE ROW LEVEL SECURITY;
ALTER TABLE inbound_channels ENABLE ROW LEVEL SECURITY;
ALTER TABLE inbound_dedupe_keys ENABLE ROW LEVEL SECURITY;
ALTER TABLE inbound_endpoints ENABLE ROW LEVEL SECURITY;
ALTER TABLE inbound_rate_windows ENABLE ROW LEVEL SECURITY;
ALTER TABLE inbound_records ENABLE ROW LEVEL SECURITY;
ALTER TABLE inbound_request_bodies ENABLE ROW LEVEL SECURITY;
ALTER TABLE inbound_requests ENABLE ROW LEVEL SECURITY;
ALTER TABLE inbound_totals ENABLE ROW LEVEL SECURITY;
ALTER TABLE inbound_trigger_deltas ENABLE ROW LEVEL SECURITY;
ALTER TABLE ordered_deliveries ENABLE ROW LEVEL SECURITY;
ALTER TABLE publish_rate_windows ENABLE ROW LEVEL SECURITY;
ALTER TABLE redelivery_jobs ENABLE ROW LEVEL SECURITY;
ALTER TABLE retiring_secrets ENABLE ROW LEVEL SECURITY;
ALTER TABLE signing_keys ENABLE ROW LEVEL SECURITY;
ALTER TABLE slack_links ENABLE ROW LEVEL SECURITY;
ALTER TABLE stats_deltas ENABLE ROW LEVEL SECURITY;
ALTER TABLE tenant_retention ENABLE ROW LEVEL SECURITY;
ALTER TABLE tenants ENABLE ROW LEVEL SECURITY;
ALTER TABLE test_rate_windows ENABLE ROW LEVEL SECURITY;
ALTER TABLE token_networks ENABLE ROW LEVEL SECURITY;
ALTER TABLE tokens ENABLE ROW LEVEL SECURITY;
ALTER TABLE users ENABLE ROW LEVEL SECURITY;
ALTER TABLE waiting_deliveries ENABLE ROW LEVEL SECURITY;
ALTER TABLE waiting_inbound_actions ENABLE ROW LEVEL SECURITY;
ALTER TABLE webhook_health ENABLE ROW LEVEL SECURITY;
ALTER TABLE webhook_totals ENABLE ROW LEVEL SECURITY;
ALTER TABLE webhooks ENABLE ROW LEVEL SECURITY;
CREATE POLICY service ON attempt_responses FOR ALL TO webhooks_service USING (true) WITH CHECK (true);
CREATE POLICY service ON attempts FOR ALL TO webhooks_service USING (true) WITH CHECK (true);
CREATE POLICY service ON audit_log FOR ALL TO webhooks_service USING (true) WITH CHECK (true);
CREATE POLICY service ON daily_stats FOR ALL TO webhooks_service USING (true) WITH CHECK (true);
CREATE POLICY service ON deliveries FOR ALL TO webhooks_service USING (true) WITH CHECK (true);
CREATE POLICY service ON event_payloads FOR ALL TO webhooks_service USING (true) WITH CHECK (true);
CREATE POLICY service ON event_type_versions FOR ALL TO webhooks_service USING (true) WITH CHECK (true);
CREATE POLICY service ON event_types FOR ALL TO webhooks_service USING (true) WITH CHECK (true);
CREATE POLICY service ON events FOR ALL TO webhooks_service USING (true) WITH CHECK (true);
CREATE POLICY service ON hourly_stats FOR ALL TO webhooks_service USING (true) WITH CHECK (true);
CREATE POLICY service ON idempotency_keys FOR ALL TO webhooks_service USING (true) WITH CHECK (true);
CREATE POLICY service ON inbound_action_runs FOR ALL TO webhooks_service USING (true) WITH CHECK (true);
CREATE POLICY service ON inbound_actions FOR ALL TO webhooks_service USING (true) WITH CHECK (true);
CREATE POLICY service ON inbound_channels FOR ALL TO webhooks_service USING (true) WITH CHECK (true);
CREATE POLICY service ON inbound_dedupe_keys FOR ALL TO webhooks_service USING (true) WITH CHECK (true);
CREATE POLICY service ON inbound_endpoints FOR ALL TO webhooks_service USING (true) WITH CHECK (true);
CREATE POLICY service ON inbound_rate_windows FOR ALL TO webhooks_service USING (true) WITH CHECK (true);
CREATE POLICY service ON inbound_records FOR ALL TO webhooks_service USING (true) WITH CHECK (true);
CREATE POLICY service ON inbound_request_bodies FOR ALL TO webhooks_service USING (true) WITH CHECK (true);
CREATE POLICY service ON inbound_requests FOR ALL TO webhooks_service USING (true) WITH CHECK (true);
CREATE POLICY service ON inbound_totals FOR ALL TO webhooks_service USING (true) WITH CHECK (true);
CREATE POLICY service ON inbound_trigger_deltas FOR ALL TO webhooks_service USING (true) WITH CHECK (true);
CREATE POLICY service ON ordered_deliveries FOR ALL TO webhooks_service USING (true) WITH CHECK (true);
CREATE POLICY service ON publish_rate_windows FOR ALL TO webhooks_service USING (true) WITH CHECK (true);
CREATE POLICY service ON redelivery_jobs FOR ALL TO webhooks_service USING (true) WITH CHECK (true);
CREATE POLICY service ON retiring_secrets FOR ALL TO webhooks_service USING (true) WITH CHECK (true);
CREATE POLICY service ON signing_keys FOR ALL TO webhooks_service USING (true) WITH CHECK (true);
CREATE POLICY service ON slack_links FOR ALL TO webhooks_service USING (true) WITH CHECK (true);
CREATE POLICY service ON stats_deltas FOR ALL TO webhooks_service USING (true) WITH CHECK (true);
CREATE POLICY service ON tenant_retention FOR ALL TO webhooks_service USING (true) WITH CHECK (true);
CREATE POLICY service ON tenants FOR ALL TO webhooks_service USING (true) WITH CHECK (true);
CREATE POLICY service ON test_rate_windows FOR ALL TO webhooks_service USING (true) WITH CHECK (true);
CREATE POLICY service ON token_networks FOR ALL TO webhooks_service USING (true) WITH CHECK (true);
CREATE POLICY service ON tokens FOR ALL TO webhooks_service USING (true) WITH CHECK (true);
CREATE POLICY service ON users FOR ALL TO webhooks_service USING (true) WITH CHECK (true);
CREATE POLICY service ON waiting_deliveries FOR ALL TO webhooks_service USING (true) WITH CHECK (true);
CREATE POLICY service ON waiting_inbound_actions FOR ALL TO webhooks_service USING (true) WITH CHECK (true);
CREATE POLICY service ON webhook_health FOR ALL TO webhooks_service USING (true) WITH CHECK (true);
CREATE POLICY service ON webhook_totals FOR ALL TO webhooks_service USING (true) WITH CHECK (true);
CREATE POLICY service ON webhooks FOR ALL TO webhooks_service USING (true) WITH CHECK (true);
CREATE POLICY tenant_wall ON attempt_responses FOR ALL TO webhooks_request USING ((tenant_id = current_tenant())) WITH CHECK ((tenant_id = current_tenant()));
CREATE POLICY tenant_wall ON attempts FOR ALL TO webhooks_request USING ((tenant_id = current_tenant())) WITH CHECK ((tenant_id = current_tenant()));
CREATE POLICY tenant_wall ON audit_log FOR ALL TO webhooks_request USING ((tenant_id = current_tenant())) WITH CHECK ((tenant_id = current_tenant()));
CREATE POLICY tenant_wall ON daily_stats FOR ALL TO webhooks_request USING ((tenant_id = current_tenant())) WITH CHECK ((tenant_id = current_tenant()));
CREATE POLICY tenant_wall ON deliveries FOR ALL TO webhooks_request USING ((tenant_id = current_tenant())) WITH CHECK ((tenant_id = current_tenant()));
CREATE POLICY tenant_wall ON event_payloads FOR ALL TO webhooks_request USING ((tenant_id = current_tenant())) WITH CHECK ((tenant_id = current_tenant()));
CREATE POLICY tenant_wall ON event_type_versions FOR ALL TO webhooks_request USING ((tenant_id = current_tenant())) WITH CHECK ((tenant_id = current_tenant()));
CREATE POLICY tenant_wall ON event_types FOR ALL TO webhooks_request USING ((tenant_id = current_tenant())) WITH CHECK ((tenant_id = current_tenant()));
CREATE POLICY tenant_wall ON events FOR ALL TO webhooks_request USING ((tenant_id = current_tenant())) WITH CHECK ((tenant_id = current_tenant()));
CREATE POLICY tenant_wall ON hourly_stats FOR ALL TO webhooks_request USING ((tenant_id = current_tenant())) WITH CHECK ((tenant_id = current_tenant()));
CREATE POLICY tenant_wall ON idempotency_keys FOR ALL TO webhooks_request USING ((tenant_id = current_tenant())) WITH CHECK ((tenant_id = current_tenant()));
CREATE POLICY tenant_wall ON inbound_action_runs FOR ALL TO webhooks_request USING ((tenant_id = current_tenant())) WITH CHECK ((tenant_id = current_tenant()));
CREATE POLICY tenant_wall ON inbound_actions FOR ALL TO webhooks_request USING ((tenant_id = current_tenant())) WITH CHECK ((tenant_id = current_tenant()));
CREATE POLICY tenant_wall ON inbound_channels FOR ALL TO webhooks_request USING ((tenant_id = current_tenant())) WITH CHECK ((tenant_id = current_tenant()));
CREATE POLICY tenant_wall ON inbound_dedupe_keys FOR ALL TO webhooks_request USING ((tenant_id = current_tenant())) WITH CHECK ((tenant_id = current_tenant()));
CREATE POLICY tenant_wall ON inbound_endpoints FOR ALL TO webhooks_request USING ((tenant_id = current_tenant())) WITH CHECK ((tenant_id = current_tenant()));
CREATE POLICY tenant_wall ON inbound_rate_windows FOR ALL TO webhooks_request USING ((tenant_id = current_tenant())) WITH CHECK ((tenant_id = current_tenant()));
CREATE POLICY tenant_wall ON inbound_records FOR ALL TO webhooks_request USING ((tenant_id = current_tenant())) WITH CHECK ((tenant_id = current_tenant()));
CREATE POLICY tenant_wall ON inbound_request_bodies FOR ALL TO webhooks_request USING ((tenant_id = current_tenant())) WITH CHECK ((tenant_id = current_tenant()));
CREATE POLICY tenant_wall ON inbound_requests FOR ALL TO webhooks_request USING ((tenant_id = current_tenant())) WITH CHECK ((tenant_id = current_tenant()));
CREATE POLICY tenant_wall ON inbound_totals FOR ALL TO webhooks_request USING ((tenant_id = current_tenant())) WITH CHECK ((tenant_id = current_tenant()));
CREATE POLICY tenant_wall ON inbound_trigger_deltas FOR ALL TO webhooks_request USING ((tenant_id = current_tenant())) WITH CHECK ((tenant_id = current_tenant()));
CREATE POLICY tenant_wall ON ordered_deliveries FOR ALL TO webhooks_request USING ((tenant_id = current_tenant())) WITH CHECK ((tenant_id = current_tenant()));
CREATE POLICY tenant_wall ON publish_rate_windows FOR ALL TO webhooks_request USING ((tenant_id = current_tenant())) WITH CHECK ((tenant_id = current_tenant()));
CREATE POLICY tenant_wall ON redelivery_jobs FOR ALL TO webhooks_request USING ((tenant_id = current_tenant())) WITH CHECK ((tenant_id = current_tenant()));
CREATE POLICY tenant_wall ON retiring_secrets FOR ALL TO webhooks_request USING ((tenant_id = current_tenant())) WITH CHECK ((tenant_id = current_tenant()));
CREATE POLICY tenant_wall ON signing_keys FOR ALL TO webhooks_request USING ((tenant_id = current_tenant())) WITH CHECK ((tenant_id = current_tenant()));
CREATE POLICY tenant_wall ON slack_links FOR ALL TO webhooks_request USING ((tenant_id = current_tenant())) WITH CHECK ((tenant_id = current_tenant()));
CREATE POLICY tenant_wall ON stats_deltas FOR ALL TO webhooks_request USING ((tenant_id = current_tenant())) WITH CHECK ((tenant_id = current_tenant()));
CREATE POLICY tenant_wall ON tenant_retention FOR ALL TO webhooks_request USING ((tenant_id = current_tenant())) WITH CHECK ((tenant_id = current_tenant()));
CREATE POLICY tenant_wall ON tenants FOR ALL TO webhooks_request USING ((id = current_tenant())) WITH CHECK ((id = current_tenant()));
CREATE POLICY tenant_wall ON test_rate_windows FOR ALL TO webhooks_request USING ((tenant_id = current_tenant())) WITH CHECK ((tenant_id = current_tenant()));
CREATE POLICY tenant_wall ON token_networks FOR ALL TO webhooks_request USING ((tenant_id = current_tenant())) WITH CHECK ((tenant_id = current_tenant()));
CREATE POLICY tenant_wall ON tokens FOR ALL TO webhooks_request USING ((tenant_id = current_tenant())) WITH CHECK ((tenant_id = current_tenant()));
CREATE POLICY tenant_wall ON users FOR ALL TO webhooks_request USING ((tenant_id = current_tenant())) WITH CHECK ((tenant_id = current_tenant()));
CREATE POLICY tenant_wall ON waiting_deliveries FOR ALL TO webhooks_request USING ((tenant_id = current_tenant())) WITH CHECK ((tenant_id = current_tenant()));
CREATE POLICY tenant_wall ON waiting_inbound_actions FOR ALL TO webhooks_request USING ((tenant_id = current_tenant())) WITH CHECK ((tenant_id = current_tenant()));
CREATE POLICY tenant_wall ON webhook_health FOR ALL TO webhooks_request USING ((tenant_id = current_tenant())) WITH CHECK ((tenant_id = current_tenant()));
CREATE POLICY tenant_wall ON webhook_totals FOR ALL TO webhooks_request USING ((tenant_id = current_tenant())) WITH CHECK ((tenant_id = current_tenant()));
CREATE POLICY tenant_wall ON webhooks FOR ALL TO webhooks_request USING ((tenant_id = current_tenant())) WITH CHECK ((tenant_id = current_tenant()));

-- Grants
GRANT DELETE, INSERT, SELECT ON retiring_secrets TO webhooks_request;
GRANT DELETE, INSERT, SELECT ON signing_keys TO webhooks_request;
GRANT DELETE, INSERT, SELECT ON token_networks TO webhooks_service;
GRANT DELETE, INSERT, SELECT ON waiting_deliveries TO webhooks_request;
GRANT DELETE, INSERT, SELECT, UPDATE ON attempt_responses TO webhooks_service;
GRANT DELETE, INSERT, SELECT, UPDATE ON attempts TO webhooks_service;
GRANT DELETE, INSERT, SELECT, UPDATE ON daily_stats TO webhooks_service;
GRANT DELETE, INSERT, SELECT, UPDATE ON deliveries TO webhooks_service;
GRANT DELETE, INSERT, SELECT, UPDATE ON dispatchers TO webhooks_service;
GRANT DELETE, INSERT, SELECT, UPDATE ON event_batches TO webhooks_service;
GRANT DELETE, INSERT, SELECT, UPDATE ON event_payloads TO webhooks_service;
GRANT DELETE, INSERT, SELECT, UPDATE ON event_type_versions TO webhooks_service;
GRANT DELETE, INSERT, SELECT, UPDATE ON event_types TO webhooks_service;
GRANT DELETE, INSERT, SELECT, UPDATE ON events TO webhooks_service;
GRANT DELETE, INSERT, SELECT, UPDATE ON hourly_stats TO webhooks_service;
GRANT DELETE, INSERT, SELECT, UPDATE ON idempotency_keys TO webhooks_request;
GRANT DELETE, INSERT, SELECT, UPDATE ON idempotency_keys TO webhooks_service;
GRANT DELETE, INSERT, SELECT, UPDATE ON inbound_action_runs TO webhooks_service;
GRANT DELETE, INSERT, SELECT, UPDATE ON inbound_actions TO webhooks_request;
GRANT DELETE, INSERT, SELECT, UPDATE ON inbound_actions TO webhooks_service;
GRANT DELETE, INSERT, SELECT, UPDATE ON inbound_channels TO webhooks_request;
GRANT DELETE, INSERT, SELECT, UPDATE ON inbound_channels TO webhooks_service;
GRANT DELETE, INSERT, SELECT, UPDATE ON inbound_dedupe_keys TO webhooks_service;
GRANT DELETE, INSERT, SELECT, UPDATE ON inbound_endpoints TO webhooks_service;
GRANT DELETE, INSERT, SELECT, UPDATE ON inbound_rate_windows TO webhooks_service;
GRANT DELETE, INSERT, SELECT, UPDATE ON inbound_records TO webhooks_service;
GRANT DELETE, INSERT, SELECT, UPDATE ON inbound_request_bodies TO webhooks_service;
GRANT DELETE, INSERT, SELECT, UPDATE ON inbound_requests TO webhooks_service;
GRANT DELETE, INSERT, SELECT, UPDATE ON inbound_totals TO webhooks_service;
GRANT DELETE, INSERT, SELECT, UPDATE ON inbound_trigger_deltas TO webhooks_service;
GRANT DELETE, INSERT, SELECT, UPDATE ON ordered_deliveries TO webhooks_service;
GRANT DELETE, INSERT, SELECT, UPDATE ON ordering_keys TO webhooks_service;
GRANT DELETE, INSERT, SELECT, UPDATE ON ordering_queues TO webhooks_service;
GRANT DELETE, INSERT, SELECT, UPDATE ON publish_rate_windows TO webhooks_service;
GRANT DELETE, INSERT, SELECT, UPDATE ON slack_links TO webhooks_request;
GRANT DELETE, INSERT, SELECT, UPDATE ON stats_deltas TO webhooks_service;
GRANT DELETE, INSERT, SELECT, UPDATE ON tenant_retention TO webhooks_service;
GRANT DELETE, INSERT, SELECT, UPDATE ON tenants TO webhooks_service;
GRANT DELETE, INSERT, SELECT, UPDATE ON tokens TO webhooks_service;
GRANT DELETE, INSERT, SELECT, UPDATE ON users TO webhooks_service;
GRANT DELETE, INSERT, SELECT, UPDATE ON waiting_deliveries TO webhooks_service;
GRANT DELETE, INSERT, SELECT, UPDATE ON waiting_inbound_actions TO webhooks_service;
GRANT DELETE, INSERT, SELECT, UPDATE ON webhook_health TO webhooks_service;
GRANT DELETE, INSERT, SELECT, UPDATE ON webhook_leases TO webhooks_service;
GRANT DELETE, INSERT, SELECT, UPDATE ON webhook_totals TO webhooks_service;
GRANT DELETE, INSERT, SELECT, UPDATE ON webhooks TO webhooks_service;
GRANT DELETE, SELECT ON daily_stats TO webhooks_retention;
GRANT DELETE, SELECT ON dispatchers TO webhooks_retention;
GRANT DELETE, SELECT ON event_batches TO webhooks_retention;
GRANT DELETE, SELECT ON event_type_versions TO webhooks_retention;
GRANT DELETE, SELECT ON event_types TO webhooks_retention;
GRANT DELETE, SELECT ON hourly_stats TO webhooks_retention;
GRANT DELETE, SELECT ON idempotency_keys TO webhooks_retention;
GRANT DELETE, SELECT ON inbound_actions TO webhooks_retention;
GRANT DELETE, SELECT ON inbound_channels TO webhooks_retention;
GRANT DELETE, SELECT ON inbound_dedupe_keys TO webhooks_retention;
GRANT DELETE, SELECT ON inbound_endpoints TO webhooks_retention;
GRANT DELETE, SELECT ON inbound_rate_windows TO webhooks_retention;
GRANT DELETE, SELECT ON inbound_totals TO webhooks_retention;
GRANT DELETE, SELECT ON inbound_trigger_deltas TO webhooks_retention;
GRANT DELETE, SELECT ON ordered_deliveries TO webhooks_retention;
GRANT DELETE, SELECT ON ordering_keys TO webhooks_retention;
GRANT DELETE, SELECT ON ordering_queues TO webhooks_retention;
GRANT DELETE, SELECT ON publish_rate_windows TO webhooks_retention;
GRANT DELETE, SELECT ON redelivery_jobs TO webhooks_retention;
GRANT DELETE, SELECT ON retiring_secrets TO webhooks_retention;
GRANT DELETE, SELECT ON signing_keys TO webhooks_retention;
GRANT DELETE, SELECT ON slack_links TO webhooks_retention;
GRANT DELETE, SELECT ON slack_links TO webhooks_service;
GRANT DELETE, SELECT ON stats_deltas TO webhooks_retention;
GRANT DELETE, SELECT ON tenant_deletions TO webhooks_retention;
GRANT DELETE, SELECT ON tenant_retention TO webhooks_retention;
GRANT DELETE, SELECT ON tenants TO webhooks_retention;
GRANT DELETE, SELECT ON test_rate_windows TO webhooks_retention;
GRANT DELETE, SELECT ON test_rate_windows TO webhooks_service;
GRANT DELETE, SELECT ON token_networks TO webhooks_retention;
GRANT DELETE, SELECT ON tokens TO webhooks_retention;
GRANT DELETE, SELECT ON users TO webhooks_retention;
GRANT DELETE, SELECT ON waiting_deliveries TO webhooks_retention;
GRANT DELETE, SELECT ON waiting_inbound_actions TO webhooks_retention;
GRANT DELETE, SELECT ON webhook_health TO webhooks_request;
GRANT DELETE, SELECT ON webhook_health TO webhooks_retention;
GRANT DELETE, SELECT ON webhook_leases TO webhooks_retention;
GRANT DELETE, SELECT ON webhook_totals TO webhooks_retention;
GRANT DELETE, SELECT ON webhooks TO webhooks_retention;
GRANT DELETE, SELECT, UPDATE ON redelivery_jobs TO webhooks_service;
GRANT DELETE, SELECT, UPDATE ON retiring_secrets TO webhooks_service;
GRANT DELETE, SELECT, UPDATE ON signing_keys TO webhooks_service;
GRANT EXECUTE ON FUNCTION current_tenant TO PUBLIC;
GRANT EXECUTE ON FUNCTION ensure_partitions TO webhooks_service;
GRANT EXECUTE ON FUNCTION purge_audit_of_deleted_tenant TO webhooks_service;
GRANT EXECUTE ON FUNCTION schema_has_migration TO PUBLIC;
GRANT EXECUTE ON FUNCTION schema_has_migration TO webhooks_request;
GRANT EXECUTE ON FUNCTION schema_has_migration TO webhooks_service;
GRANT EXECUTE ON FUNCTION uuid_floor TO PUBLIC;
GRANT INSERT, SELECT ON attempt_responses TO webhooks_request;
GRANT INSERT, SELECT ON attempts TO webhooks_request;
GRANT INSERT, SELECT ON audit_log TO webhooks_request;
GRANT INSERT, SELECT ON audit_log TO webhooks_service;
GRANT INSERT, SELECT ON deliveries TO webhooks_request;
GRANT INSERT, SELECT ON event_payloads TO webhooks_request;
GRANT INSERT, SELECT ON redelivery_jobs TO webhooks_request;
GRANT INSERT, SELECT ON stats_deltas TO webhooks_request;
GRANT INSERT, SELECT, UPDATE ON event_type_versions TO webhooks_request;
GRANT INSERT, SELECT, UPDATE ON event_types TO webhooks_request;
GRANT INSERT, SELECT, UPDATE ON inbound_endpoints TO webhooks_request;
GRANT INSERT, SELECT, UPDATE ON tenant_deletions TO webhooks_service;
GRANT INSERT, SELECT, UPDATE ON test_rate_windows TO webhooks_request;
GRANT INSERT, SELECT, UPDATE ON tokens TO webhooks_request;
GRANT INSERT, SELECT, UPDATE ON users TO webhooks_request;
GRANT INSERT, SELECT, UPDATE ON webhooks TO webhooks_request;
GRANT SELECT ON daily_stats TO webhooks_request;
GRANT SELECT ON events TO webhooks_request;
GRANT SELECT ON hourly_stats TO webhooks_request;
GRANT SELECT ON inbound_action_runs TO webhooks_request;
GRANT SELECT ON inbound_records TO webhooks_request;
GRANT SELECT ON inbound_request_bodies TO webhooks_request;
GRANT SELECT ON inbound_requests TO webhooks_request;
GRANT SELECT ON inbound_totals TO webhooks_request;
GRANT SELECT ON inbound_trigger_deltas TO webhooks_request;
GRANT SELECT ON ordered_deliveries TO webhooks_request;
GRANT SELECT ON tenants TO webhooks_request;
GRANT SELECT ON waiting_inbound_actions TO webhooks_request;
GRANT SELECT ON webhook_totals TO webhooks_request;
GRANT UPDATE (changed_at) ON tenants TO webhooks_request;
GRANT UPDATE (due_at) ON waiting_deliveries TO webhooks_request;
GRANT UPDATE (error) ON deliveries TO webhooks_request;
GRANT UPDATE (event_types_version) ON tenants TO webhooks_request;
GRANT UPDATE (expires_at) ON signing_keys TO webhooks_request;
GRANT UPDATE (finished_at) ON redelivery_jobs TO webhooks_request;
GRANT UPDATE (next_attempt_at) ON deliveries TO webhooks_request;
GRANT UPDATE (reason) ON redelivery_jobs TO webhooks_request;
GRANT UPDATE (schema_validation) ON tenants TO webhooks_request;
GRANT UPDATE (state) ON deliveries TO webhooks_request;
GRANT UPDATE (status) ON deliveries TO webhooks_request;
GRANT UPDATE (status) ON redelivery_jobs TO webhooks_request;
GRANT UPDATE (webhooks_version) ON tenants TO webhooks_request;

-- Comments
COMMENT ON COLUMN audit_log.details IS 'what changed, by name; never a secret';
COMMENT ON COLUMN audit_log.project_id IS 'of the resource; tokens bound to a project see theirs only';
COMMENT ON COLUMN audit_log.resource_id IS 'as the API names it: a public id, or the name of an event type';
COMMENT ON COLUMN daily_stats.event_type IS 'empty in the row of all types together, which alone has the histogram';
COMMENT ON COLUMN deliveries.epoch IS 'how often it was claimed';
COMMENT ON COLUMN deliveries.owner IS 'the dispatcher that holds it; an outcome is recorded only where owner and epoch still match';
COMMENT ON COLUMN deliveries.probes IS 'attempts among "attempts" that asked whether anybody is there again, and do not count against max_attempts';
COMMENT ON COLUMN dispatchers.process_namespace IS 'boot of the machine and pid namespace; null where the system does not tell';
COMMENT ON COLUMN event_batches.data_bytes IS 'of the payloads of its events together';
COMMENT ON COLUMN event_batches.owner IS 'the dispatcher that sends its deliveries just now; the row goes when all of them have rows';
COMMENT ON COLUMN event_batches.position IS 'of a batch of one ordering_key: it is fanned out after those of lower positions';
COMMENT ON COLUMN event_batches.was_opened IS 'some of its deliveries may have been sent and recorded: whoever takes it makes the rows of the rest first';
COMMENT ON COLUMN event_payloads.data IS 'the bytes of "data" as published: never parsed and written again, so that numbers stay what they were';
COMMENT ON COLUMN event_type_versions.schema IS 'JSON as text, which keeps the order of its keys';
COMMENT ON COLUMN event_types.version IS 'the newest; all from 1 on exist';
COMMENT ON COLUMN hourly_stats.hour IS 'of the creation of the deliveries counted';
COMMENT ON COLUMN inbound_action_runs.result IS 'JSON as text';
COMMENT ON COLUMN inbound_actions.retry_policy IS 'as of webhooks; null for the default of the type';
COMMENT ON COLUMN inbound_actions.sealed_secrets IS 'JSON object of the secret settings; sealed as inbound_action:<id>:secrets';
COMMENT ON COLUMN inbound_actions.settings IS 'of the type, without secrets';
COMMENT ON COLUMN inbound_actions.webhook_id IS 'the hidden webhook through which a forward to a URL is delivered';
COMMENT ON COLUMN inbound_channels.sealed_secrets IS 'JSON object of the secret settings; sealed as inbound_channel:<id>:secrets';
COMMENT ON COLUMN inbound_endpoints.body IS 'how bodies are read: max_bytes, content_type (whatever the request declares), json_parameters';
COMMENT ON COLUMN inbound_endpoints.changed_at IS 'last change of any kind; instances poll for recent ones';
COMMENT ON COLUMN inbound_endpoints.hook_id IS 'where it is reachable as /hooks/{id}, on installations that enable that';
COMMENT ON COLUMN inbound_endpoints.schema IS 'JSON Schema as text, which keeps the order of its keys';
COMMENT ON COLUMN inbound_endpoints.sealed_secrets IS 'JSON list of {secret, valid_until}, newest first; sealed as inbound_endpoint:<id>:secrets';
COMMENT ON COLUMN inbound_endpoints.sealed_trigger_rule IS 'JSON; rules hold secrets. Sealed as inbound_endpoint:<id>:trigger_rule';
COMMENT ON COLUMN inbound_endpoints.trigger_options IS 'mismatch_status, soft_signature_failures';
COMMENT ON COLUMN inbound_endpoints.url_key IS 'unguessable; the previous one works until previous_url_key_until';
COMMENT ON COLUMN inbound_endpoints.version IS 'grows with every change to the endpoint and to its actions; a request is accepted only by the present one';
COMMENT ON COLUMN inbound_records.data IS 'JSON as text, which holds what jsonb cannot';
COMMENT ON COLUMN inbound_request_bodies.body IS 'the bytes as received: what was verified';
COMMENT ON COLUMN inbound_requests.code IS 'of the verdict: why it was accepted or not';
COMMENT ON COLUMN inbound_requests.headers IS 'JSON as text, which holds what jsonb cannot; secret ones are masked';
COMMENT ON COLUMN inbound_requests.query IS 'as received, without the question mark';
COMMENT ON COLUMN inbound_requests.steps IS 'JSON: what each step of the verdict found; for the owner only';
COMMENT ON COLUMN ordered_deliveries.given_up IS 'it is exhausted, and those behind it wait';
COMMENT ON COLUMN ordering_keys.key_hash IS 'of tenant and ordering_key';
COMMENT ON COLUMN redelivery_jobs.after_id IS 'the last delivery handled; moves in the commit that makes the new ones';
COMMENT ON COLUMN redelivery_jobs.delivery_status IS 'with event_types (null for all), start_at and end_at: which deliveries are meant';
COMMENT ON COLUMN redelivery_jobs.due_at IS 'when the next round is, which keeps the pace';
COMMENT ON COLUMN redelivery_jobs.failures IS 'rounds in a row that did not work';
COMMENT ON COLUMN redelivery_jobs.until_id IS 'behind the last delivery meant, and before all that the job makes';
COMMENT ON COLUMN slack_links.token_id IS 'commands may do what this token may, for as long as it is valid';
COMMENT ON COLUMN slack_links.url_key IS 'unguessable part of the URL that Slack posts commands to';
COMMENT ON COLUMN slack_links.user_ids IS 'of Slack; empty: everybody of the workspace';
COMMENT ON COLUMN tenants.allowed_cidrs IS 'special ranges that its deliveries may reach, beside those of the installation; set by the operator';
COMMENT ON COLUMN tenants.changed_at IS 'last change of status, limits or webhooks; instances poll for recent ones';
COMMENT ON COLUMN tenants.event_types_version IS 'grows with every change to event types and their settings; 0: there never was one';
COMMENT ON COLUMN tenants.schema_validation IS 'off, warn or enforce for built_in and own; a missing key means the default';
COMMENT ON COLUMN tenants.webhooks_version IS 'grows with every change to a webhook; a dispatcher that knows a lower one reloads';
COMMENT ON COLUMN tokens.hash IS 'SHA-256 of the token, which itself is never stored';
COMMENT ON COLUMN waiting_inbound_actions.epoch IS 'how often it was claimed; a result is recorded only where owner and epoch still match';
COMMENT ON COLUMN waiting_inbound_actions.owner IS 'the dispatcher that runs it; null: it waits for due_at';
COMMENT ON COLUMN webhook_health.unreachable_until IS 'nobody answers: its deliveries wait, and at this instant one dispatcher sends a single probe';
COMMENT ON COLUMN webhooks.draining_since IS 'made active then, while it held deliveries, of which some still wait';
COMMENT ON COLUMN webhooks.event_versions IS 'by event type the only version that the webhook gets';
COMMENT ON COLUMN webhooks.kind IS 'inbound_forward: of an inbound action that forwards to a URL; subscribed to nothing, and not shown among the webhooks';
COMMENT ON COLUMN webhooks.on_exhausted IS 'what those behind a delivery that was given up do, where it is ordered';
COMMENT ON COLUMN webhooks.sealed_secret IS 'AES-256-GCM; the id of the key stands in front';
COMMENT ON FUNCTION current_tenant IS 'the tenant of the running transaction; null, which matches no row, when none is set';
COMMENT ON FUNCTION uuid_floor IS 'the smallest id of an instant';
COMMENT ON TABLE audit_log IS 'append-only: no role of the apps may update or delete';
COMMENT ON TABLE daily_stats IS 'hourly_stats by day (UTC)';
COMMENT ON TABLE event_batches IS 'batches of accepted events whose deliveries do not exist yet; the row goes in the commit that makes them';
COMMENT ON TABLE idempotency_keys IS 'idempotency keys and event ids chosen by clients, until they expire';
COMMENT ON TABLE inbound_action_runs IS 'one per accepted request and action; its id is derived of both and begins with the request''s first 64 bits';
COMMENT ON TABLE inbound_channels IS 'where notify actions send';
COMMENT ON TABLE inbound_dedupe_keys IS 'deliveries of senders that were acted on, until they expire: the same again is answered and not acted on';
COMMENT ON TABLE inbound_rate_windows IS 'requests that API instances reserved of an endpoint''s limit in one window of time; lost in a crash, which does no harm';
COMMENT ON TABLE inbound_records IS 'what log actions wrote; the id is the run''s, so that running twice writes once';
COMMENT ON TABLE inbound_trigger_deltas IS 'what each commit added, until it is folded into inbound_totals and the logs are cut to their limit';
COMMENT ON TABLE ordered_deliveries IS 'deliveries that go one after the other, until they end; the first of a line is due or under way, the others are blocked';
COMMENT ON TABLE ordering_keys IS 'locked by whoever publishes with the key, so that positions grow as commits follow one another; until it is idle';
COMMENT ON TABLE ordering_queues IS 'one row for each line that is not empty; locked by whoever adds to it or takes from it';
COMMENT ON TABLE publish_rate_windows IS 'events that API instances reserved of a tenant''s limit in one second; lost in a crash, which does no harm';
COMMENT ON TABLE redelivery_jobs IS 'bulk redeliveries, until some time after they ended';
COMMENT ON TABLE retiring_secrets IS 'secrets that were replaced and sign beside the new one until they expire; ids are in the order of replacement';
COMMENT ON TABLE signing_keys IS 'ed25519; the one that does not expire is the newest, the others sign beside it until they expire';
COMMENT ON TABLE stats_deltas IS 'what fan-outs and recorders added, in their own commits, until it is folded into the two tables below';
COMMENT ON TABLE tenant_deletions IS 'tenants that were deleted, by their id: how far the deletion of their rows has come; kept, so that a tenant once deleted is not made again';
COMMENT ON TABLE tenant_retention IS 'of tenants with a shorter retention than the installation: the ids up to which their history is deleted';
COMMENT ON TABLE test_rate_windows IS 'test deliveries of a webhook in its present minute, over all instances';
COMMENT ON TABLE token_networks IS 'where tokens were used from: IPv4 addresses and IPv6 /64, so many per token at most';
COMMENT ON TABLE waiting_deliveries IS 'pending deliveries that no dispatcher holds: backlog and retries; a claim takes the row away';
COMMENT ON TABLE waiting_inbound_actions IS 'runs that are not finished; the row goes in the commit that finishes one';
COMMENT ON TABLE webhook_health IS 'webhooks whose attempts have failed without interruption; the first success removes the row';
COMMENT ON TABLE webhook_leases IS 'the one dispatcher at a time that sends for a webhook with limits';
