import type { MigrationInterface, QueryRunner } from 'typeorm';

/**
 * The audit trail: who did what with a tenant's credentials and settings. It can only grow: neither of the apps' roles
 * may change or delete a row. Rows go with their week's partition, or with their tenant once that is deleted. Beside it,
 * the networks that tokens were used from, so that a new one can be noticed.
 */
export class Audit1795507200000 implements MigrationInterface {
  async up(runner: QueryRunner): Promise<void> {
    await runner.query(AUDIT_LOG);
    await runner.query(TOKEN_NETWORKS);
    await runner.query(
      changePartitions(`replace(was, '''attempt_responses''', '''attempt_responses'', ''audit_log''')`),
    );
    await runner.query(`SELECT ensure_partitions(now() - interval '1 day', now() + interval '28 days')`);
  }

  async down(runner: QueryRunner): Promise<void> {
    await runner.query(changePartitions(`replace(was, ', ''audit_log''', '')`));
    await runner.query('DROP FUNCTION purge_audit_of_deleted_tenant(uuid, integer)');
    await runner.query('DROP TABLE token_networks, audit_log');
  }
}

const AUDIT_LOG = `
CREATE TABLE audit_log (
  id uuid NOT NULL,
  tenant_id uuid NOT NULL,
  project_id text,
  action text NOT NULL,
  actor text NOT NULL CHECK (actor IN ('token', 'operator', 'system')),
  token_id uuid,
  user_id uuid,
  resource_type text NOT NULL,
  resource_id text NOT NULL,
  client_ip text,
  request_id text,
  details jsonb NOT NULL DEFAULT '{}',
  PRIMARY KEY (id)
) PARTITION BY RANGE (id);
COMMENT ON TABLE audit_log IS 'append-only: no role of the apps may update or delete';
COMMENT ON COLUMN audit_log.project_id IS 'of the resource; tokens bound to a project see theirs only';
COMMENT ON COLUMN audit_log.resource_id IS 'as the API names it: a public id, or the name of an event type';
COMMENT ON COLUMN audit_log.details IS 'what changed, by name; never a secret';
CREATE INDEX audit_log_tenant_idx ON audit_log (tenant_id, id);
CREATE INDEX audit_log_resource_idx ON audit_log (tenant_id, resource_id, id);

ALTER TABLE audit_log ENABLE ROW LEVEL SECURITY;
CREATE POLICY tenant_wall ON audit_log TO webhooks_request USING (tenant_id = current_tenant()) WITH CHECK (tenant_id = current_tenant());
CREATE POLICY service ON audit_log TO webhooks_service USING (true) WITH CHECK (true);
GRANT SELECT, INSERT ON audit_log TO webhooks_request, webhooks_service;

-- Runs as its owner, since the apps may not delete: and so it asks by itself whether the tenant is gone.
CREATE FUNCTION purge_audit_of_deleted_tenant(tenant uuid, at_most integer) RETURNS integer
LANGUAGE plpgsql SECURITY DEFINER SET search_path = public, pg_temp AS $$
DECLARE
  purged integer;
BEGIN
  IF EXISTS (SELECT FROM tenants WHERE id = tenant AND deleted_at IS NULL) THEN
    RAISE EXCEPTION 'the audit trail of a tenant that is not deleted stays' USING ERRCODE = 'insufficient_privilege';
  END IF;
  DELETE FROM audit_log WHERE id IN (SELECT a.id FROM audit_log a WHERE a.tenant_id = tenant LIMIT at_most);
  GET DIAGNOSTICS purged = ROW_COUNT;
  RETURN purged;
END $$;
REVOKE ALL ON FUNCTION purge_audit_of_deleted_tenant FROM public;
GRANT EXECUTE ON FUNCTION purge_audit_of_deleted_tenant TO webhooks_service;
`;

const TOKEN_NETWORKS = `
CREATE TABLE token_networks (
  token_id uuid NOT NULL REFERENCES tokens (id) ON DELETE CASCADE,
  network text NOT NULL,
  tenant_id uuid NOT NULL,
  first_seen_at timestamptz NOT NULL DEFAULT now(),
  PRIMARY KEY (token_id, network)
);
COMMENT ON TABLE token_networks IS 'where tokens were used from: IPv4 addresses and IPv6 /64, so many per token at most';
ALTER TABLE token_networks ENABLE ROW LEVEL SECURITY;
CREATE POLICY tenant_wall ON token_networks TO webhooks_request USING (tenant_id = current_tenant()) WITH CHECK (tenant_id = current_tenant());
CREATE POLICY service ON token_networks TO webhooks_service USING (true) WITH CHECK (true);
GRANT SELECT, INSERT, DELETE ON token_networks TO webhooks_service;
`;

/** Lets `ensure_partitions` look after other tables than before. */
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
