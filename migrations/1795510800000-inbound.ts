import type { MigrationInterface, QueryRunner } from 'typeorm';

/** Tables that an app partitions by week, see `ensure_partitions`. */
const PARTITIONED = ['inbound_requests', 'inbound_request_bodies', 'inbound_action_runs', 'inbound_records'];

/**
 * Inbound endpoints: what outside systems post to, what is wanted of it, and what is done with it. As with deliveries,
 * history (requests, bodies, runs, records) is partitioned by week on ids that carry their time, and kept apart from the
 * work to be done, `waiting_inbound_actions`, which stays small. A request, its runs and their waiting rows are written
 * in one commit, before the sender is answered: a crash between the answer and the actions loses none.
 */
export class Inbound1795510800000 implements MigrationInterface {
  async up(runner: QueryRunner): Promise<void> {
    await runner.query(ENDPOINTS);
    await runner.query(REQUESTS);
    await runner.query(WORK);
    await runner.query(RECORDS_AND_CHANNELS);
    await runner.query(HIDDEN_WEBHOOKS);
    await runner.query(partitionsAlsoOf(PARTITIONED));
    await runner.query(WALL);
    await runner.query(GRANTS);
  }

  async down(runner: QueryRunner): Promise<void> {
    await runner.query(partitionsNoLongerOf(PARTITIONED));
    await runner.query(`
      DROP TABLE inbound_channels, inbound_records, inbound_rate_windows, inbound_dedupe_keys, waiting_inbound_actions,
        inbound_action_runs, inbound_request_bodies, inbound_requests, inbound_trigger_deltas, inbound_totals,
        inbound_actions, inbound_endpoints;
      DELETE FROM webhooks WHERE kind <> 'subscription';
      ALTER TABLE webhooks DROP COLUMN kind;
    `);
  }
}

const ENDPOINTS = `
CREATE TABLE inbound_endpoints (
  id uuid PRIMARY KEY,
  tenant_id uuid NOT NULL REFERENCES tenants (id),
  project_id text,
  name text COLLATE "C" NOT NULL,
  description text,
  enabled boolean NOT NULL DEFAULT true,
  url_key text NOT NULL,
  previous_url_key text,
  previous_url_key_until timestamptz,
  hook_id text,
  methods text[] NOT NULL DEFAULT '{POST}',
  body jsonb NOT NULL DEFAULT '{}',
  schema text,
  allowed_ips text[] NOT NULL DEFAULT '{}',
  signature jsonb NOT NULL,
  sealed_secrets bytea NOT NULL,
  sealed_trigger_rule bytea,
  trigger_options jsonb NOT NULL DEFAULT '{}',
  dedupe jsonb,
  response jsonb NOT NULL DEFAULT '{}',
  rate_limit jsonb,
  debug boolean NOT NULL DEFAULT false,
  max_log_entries integer NOT NULL DEFAULT 1000,
  version bigint NOT NULL DEFAULT 1,
  created_by uuid REFERENCES users (id),
  created_at timestamptz NOT NULL DEFAULT now(),
  updated_at timestamptz NOT NULL DEFAULT now(),
  changed_at timestamptz NOT NULL DEFAULT now(),
  deleted_at timestamptz
);
COMMENT ON COLUMN inbound_endpoints.url_key IS 'unguessable; the previous one works until previous_url_key_until';
COMMENT ON COLUMN inbound_endpoints.hook_id IS 'where it is reachable as /hooks/{id}, on installations that enable that';
COMMENT ON COLUMN inbound_endpoints.body IS 'how bodies are read: max_bytes, content_type (whatever the request declares), json_parameters';
COMMENT ON COLUMN inbound_endpoints.schema IS 'JSON Schema as text, which keeps the order of its keys';
COMMENT ON COLUMN inbound_endpoints.sealed_secrets IS 'JSON list of {secret, valid_until}, newest first; sealed as inbound_endpoint:<id>:secrets';
COMMENT ON COLUMN inbound_endpoints.sealed_trigger_rule IS 'JSON; rules hold secrets. Sealed as inbound_endpoint:<id>:trigger_rule';
COMMENT ON COLUMN inbound_endpoints.trigger_options IS 'mismatch_status, soft_signature_failures';
COMMENT ON COLUMN inbound_endpoints.version IS 'grows with every change to the endpoint and to its actions; a request is accepted only by the present one';
COMMENT ON COLUMN inbound_endpoints.changed_at IS 'last change of any kind; instances poll for recent ones';
CREATE UNIQUE INDEX inbound_endpoints_name_idx ON inbound_endpoints (tenant_id, name) WHERE deleted_at IS NULL;
CREATE UNIQUE INDEX inbound_endpoints_url_key_idx ON inbound_endpoints (url_key);
CREATE UNIQUE INDEX inbound_endpoints_previous_url_key_idx ON inbound_endpoints (previous_url_key) WHERE previous_url_key IS NOT NULL;
CREATE UNIQUE INDEX inbound_endpoints_hook_id_idx ON inbound_endpoints (hook_id) WHERE hook_id IS NOT NULL AND deleted_at IS NULL;
CREATE INDEX inbound_endpoints_tenant_idx ON inbound_endpoints (tenant_id, id) WHERE deleted_at IS NULL;
CREATE INDEX inbound_endpoints_changed_at_idx ON inbound_endpoints (changed_at);

CREATE TABLE inbound_actions (
  id uuid PRIMARY KEY,
  tenant_id uuid NOT NULL,
  endpoint_id uuid NOT NULL REFERENCES inbound_endpoints (id) ON DELETE CASCADE,
  position smallint NOT NULL,
  type text NOT NULL CHECK (type IN ('notify', 'forward', 'log', 'execute', 'custom')),
  settings jsonb NOT NULL DEFAULT '{}',
  sealed_secrets bytea,
  condition text,
  retry_policy jsonb,
  webhook_id uuid REFERENCES webhooks (id),
  created_at timestamptz NOT NULL DEFAULT now(),
  updated_at timestamptz NOT NULL DEFAULT now()
);
COMMENT ON COLUMN inbound_actions.settings IS 'of the type, without secrets';
COMMENT ON COLUMN inbound_actions.sealed_secrets IS 'JSON object of the secret settings; sealed as inbound_action:<id>:secrets';
COMMENT ON COLUMN inbound_actions.retry_policy IS 'as of webhooks; null for the default of the type';
COMMENT ON COLUMN inbound_actions.webhook_id IS 'the hidden webhook through which a forward to a URL is delivered';
CREATE INDEX inbound_actions_endpoint_idx ON inbound_actions (endpoint_id, position, id);
CREATE INDEX inbound_actions_webhook_idx ON inbound_actions (webhook_id) WHERE webhook_id IS NOT NULL;

CREATE TABLE inbound_totals (
  endpoint_id uuid PRIMARY KEY REFERENCES inbound_endpoints (id) ON DELETE CASCADE,
  tenant_id uuid NOT NULL,
  triggered bigint NOT NULL,
  last_triggered_at timestamptz NOT NULL
) WITH (fillfactor = 50);

CREATE TABLE inbound_trigger_deltas (
  id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
  tenant_id uuid NOT NULL,
  endpoint_id uuid NOT NULL,
  triggered integer NOT NULL,
  logged integer NOT NULL,
  last_triggered_at timestamptz
);
COMMENT ON TABLE inbound_trigger_deltas IS 'what each commit added, until it is folded into inbound_totals and the logs are cut to their limit';
CREATE INDEX inbound_trigger_deltas_endpoint_idx ON inbound_trigger_deltas (endpoint_id);
ALTER TABLE inbound_trigger_deltas SET (autovacuum_vacuum_scale_factor = 0, autovacuum_vacuum_threshold = 5000);
`;

const REQUESTS = `
CREATE TABLE inbound_requests (
  id uuid NOT NULL,
  tenant_id uuid NOT NULL,
  endpoint_id uuid NOT NULL,
  status text NOT NULL CHECK (status IN ('accepted', 'ignored', 'challenge', 'duplicate', 'rejected')),
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
  response_body text,
  PRIMARY KEY (id)
) PARTITION BY RANGE (id);
COMMENT ON COLUMN inbound_requests.code IS 'of the verdict: why it was accepted or not';
COMMENT ON COLUMN inbound_requests.steps IS 'JSON: what each step of the verdict found; for the owner only';
COMMENT ON COLUMN inbound_requests.headers IS 'JSON as text, which holds what jsonb cannot; secret ones are masked';
COMMENT ON COLUMN inbound_requests.query IS 'as received, without the question mark';
CREATE INDEX inbound_requests_history_idx ON inbound_requests (endpoint_id, id);
CREATE INDEX inbound_requests_status_idx ON inbound_requests (endpoint_id, status, id);

CREATE TABLE inbound_request_bodies (
  request_id uuid NOT NULL,
  tenant_id uuid NOT NULL,
  body bytea NOT NULL,
  PRIMARY KEY (request_id)
) PARTITION BY RANGE (request_id);
COMMENT ON COLUMN inbound_request_bodies.body IS 'the bytes as received: what was verified';

CREATE TABLE inbound_action_runs (
  id uuid NOT NULL,
  tenant_id uuid NOT NULL,
  endpoint_id uuid NOT NULL,
  request_id uuid NOT NULL,
  action_id uuid NOT NULL,
  position smallint NOT NULL,
  type text NOT NULL,
  status text NOT NULL DEFAULT 'waiting' CHECK (status IN ('waiting', 'running', 'succeeded', 'failed', 'skipped')),
  attempts smallint NOT NULL DEFAULT 0,
  next_attempt_at timestamptz,
  started_at timestamptz,
  finished_at timestamptz,
  result text,
  error text,
  PRIMARY KEY (id)
) PARTITION BY RANGE (id);
COMMENT ON TABLE inbound_action_runs IS 'one per accepted request and action; its id is derived of both and begins with the request''s first 64 bits';
COMMENT ON COLUMN inbound_action_runs.result IS 'JSON as text';
`;

const WORK = `
CREATE TABLE waiting_inbound_actions (
  run_id uuid PRIMARY KEY,
  tenant_id uuid NOT NULL,
  endpoint_id uuid NOT NULL,
  due_at timestamptz NOT NULL,
  owner uuid,
  epoch integer NOT NULL DEFAULT 0
);
COMMENT ON TABLE waiting_inbound_actions IS 'runs that are not finished; the row goes in the commit that finishes one';
COMMENT ON COLUMN waiting_inbound_actions.owner IS 'the dispatcher that runs it; null: it waits for due_at';
COMMENT ON COLUMN waiting_inbound_actions.epoch IS 'how often it was claimed; a result is recorded only where owner and epoch still match';
CREATE INDEX waiting_inbound_actions_due_idx ON waiting_inbound_actions (due_at, run_id) WHERE owner IS NULL;
CREATE INDEX waiting_inbound_actions_endpoint_idx ON waiting_inbound_actions (endpoint_id, due_at, run_id) WHERE owner IS NULL;
CREATE INDEX waiting_inbound_actions_owner_idx ON waiting_inbound_actions (owner) WHERE owner IS NOT NULL;
ALTER TABLE waiting_inbound_actions SET (autovacuum_vacuum_scale_factor = 0, autovacuum_vacuum_threshold = 1000);

CREATE TABLE inbound_dedupe_keys (
  endpoint_id uuid NOT NULL,
  key_hash bytea NOT NULL,
  tenant_id uuid NOT NULL,
  request_id uuid NOT NULL,
  expires_at timestamptz NOT NULL,
  PRIMARY KEY (endpoint_id, key_hash)
);
COMMENT ON TABLE inbound_dedupe_keys IS 'deliveries of senders that were acted on, until they expire: the same again is answered and not acted on';
CREATE INDEX inbound_dedupe_keys_expires_at_idx ON inbound_dedupe_keys (expires_at);

CREATE UNLOGGED TABLE inbound_rate_windows (
  endpoint_id uuid PRIMARY KEY,
  tenant_id uuid NOT NULL,
  number bigint NOT NULL,
  taken integer NOT NULL
) WITH (fillfactor = 50);
COMMENT ON TABLE inbound_rate_windows IS 'requests that API instances reserved of an endpoint''s limit in one window of time; lost in a crash, which does no harm';
`;

const RECORDS_AND_CHANNELS = `
CREATE TABLE inbound_records (
  id uuid NOT NULL,
  tenant_id uuid NOT NULL,
  endpoint_id uuid NOT NULL,
  table_name text COLLATE "C" NOT NULL,
  request_id uuid NOT NULL,
  data text NOT NULL,
  created_at timestamptz NOT NULL DEFAULT now(),
  PRIMARY KEY (id)
) PARTITION BY RANGE (id);
COMMENT ON TABLE inbound_records IS 'what log actions wrote; the id is the run''s, so that running twice writes once';
COMMENT ON COLUMN inbound_records.data IS 'JSON as text, which holds what jsonb cannot';
CREATE INDEX inbound_records_table_idx ON inbound_records (endpoint_id, table_name, id);

CREATE TABLE inbound_channels (
  id uuid PRIMARY KEY,
  tenant_id uuid NOT NULL REFERENCES tenants (id),
  project_id text,
  name text COLLATE "C" NOT NULL,
  kind text NOT NULL CHECK (kind IN ('telegram', 'discord', 'slack', 'dingtalk', 'feishu', 'wecom', 'email', 'http')),
  settings jsonb NOT NULL DEFAULT '{}',
  sealed_secrets bytea,
  is_default boolean NOT NULL DEFAULT false,
  created_at timestamptz NOT NULL DEFAULT now(),
  updated_at timestamptz NOT NULL DEFAULT now()
);
COMMENT ON TABLE inbound_channels IS 'where notify actions send';
COMMENT ON COLUMN inbound_channels.sealed_secrets IS 'JSON object of the secret settings; sealed as inbound_channel:<id>:secrets';
CREATE UNIQUE INDEX inbound_channels_name_idx ON inbound_channels (tenant_id, name);
CREATE UNIQUE INDEX inbound_channels_default_idx ON inbound_channels (tenant_id) WHERE is_default;
`;

const HIDDEN_WEBHOOKS = `
ALTER TABLE webhooks ADD COLUMN kind text NOT NULL DEFAULT 'subscription' CHECK (kind IN ('subscription', 'inbound_forward'));
COMMENT ON COLUMN webhooks.kind IS 'inbound_forward: of an inbound action that forwards to a URL; subscribed to nothing, and not shown among the webhooks';
`;

/** Adds tables to those that `ensure_partitions` makes partitions of, whichever migration wrote it last. */
function partitionsAlsoOf(tables: string[]): string {
  return changePartitions(
    `replace(was, '''attempt_responses''', '''attempt_responses'', ${tables.map((table) => `''${table}''`).join(', ')}')`,
  ).concat(`SELECT ensure_partitions(now() - interval '1 day', now() + interval '28 days');`);
}

function partitionsNoLongerOf(tables: string[]): string {
  return changePartitions(`replace(was, ', ${tables.map((table) => `''${table}''`).join(', ')}', '')`);
}

function changePartitions(become: string): string {
  return `
    DO $$
    DECLARE
      was text := pg_get_functiondef('ensure_partitions(timestamptz, timestamptz)'::regprocedure);
      become text := ${become};
    BEGIN
      IF was = become THEN RAISE EXCEPTION 'ensure_partitions does not list its tables as expected'; END IF;
      EXECUTE become;
    END $$;
  `;
}

const WALL = `
DO $$
DECLARE name text;
BEGIN
  FOREACH name IN ARRAY ARRAY['inbound_endpoints', 'inbound_actions', 'inbound_totals', 'inbound_trigger_deltas', 'inbound_requests',
    'inbound_request_bodies', 'inbound_action_runs', 'waiting_inbound_actions', 'inbound_dedupe_keys', 'inbound_rate_windows', 'inbound_records',
    'inbound_channels'] LOOP
    EXECUTE format('ALTER TABLE %I ENABLE ROW LEVEL SECURITY', name);
    EXECUTE format('CREATE POLICY tenant_wall ON %I TO webhooks_request USING (tenant_id = current_tenant()) WITH CHECK (tenant_id = current_tenant())', name);
    EXECUTE format('CREATE POLICY service ON %I TO webhooks_service USING (true) WITH CHECK (true)', name);
  END LOOP;
END $$;
`;

const GRANTS = `
GRANT SELECT ON inbound_totals, inbound_trigger_deltas, inbound_requests, inbound_request_bodies, inbound_action_runs,
  waiting_inbound_actions, inbound_records TO webhooks_request;
GRANT SELECT, INSERT, UPDATE ON inbound_endpoints TO webhooks_request;
GRANT SELECT, INSERT, UPDATE, DELETE ON inbound_actions, inbound_channels TO webhooks_request;

GRANT SELECT, INSERT, UPDATE, DELETE ON inbound_endpoints, inbound_actions, inbound_totals, inbound_trigger_deltas,
  inbound_requests, inbound_request_bodies, inbound_action_runs, waiting_inbound_actions, inbound_dedupe_keys, inbound_rate_windows,
  inbound_records, inbound_channels TO webhooks_service;
`;
