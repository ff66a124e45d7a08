import type { MigrationInterface, QueryRunner } from 'typeorm';

/**
 * Secrets that were replaced and still sign for a while, the tenants' ed25519 keys, which signatures a webhook wants,
 * and the special ranges that the operator lets a tenant's deliveries reach.
 */
export class SigningAndAllowLists1795496400000 implements MigrationInterface {
  async up(runner: QueryRunner): Promise<void> {
    await runner.query(`
      CREATE TABLE retiring_secrets (
        id uuid PRIMARY KEY,
        tenant_id uuid NOT NULL,
        webhook_id uuid NOT NULL REFERENCES webhooks (id) ON DELETE CASCADE,
        sealed_secret bytea NOT NULL,
        expires_at timestamptz NOT NULL
      );
      COMMENT ON TABLE retiring_secrets IS 'secrets that were replaced and sign beside the new one until they expire; ids are in the order of replacement';
      CREATE INDEX retiring_secrets_tenant_idx ON retiring_secrets (tenant_id, webhook_id, id);
      CREATE INDEX retiring_secrets_webhook_idx ON retiring_secrets (webhook_id);
      CREATE INDEX retiring_secrets_expires_at_idx ON retiring_secrets (expires_at);

      CREATE TABLE signing_keys (
        id uuid PRIMARY KEY,
        tenant_id uuid NOT NULL REFERENCES tenants (id),
        public_key bytea NOT NULL,
        sealed_private_key bytea NOT NULL,
        created_at timestamptz NOT NULL DEFAULT now(),
        expires_at timestamptz
      );
      COMMENT ON TABLE signing_keys IS 'ed25519; the one that does not expire is the newest, the others sign beside it until they expire';
      CREATE UNIQUE INDEX signing_keys_newest_idx ON signing_keys (tenant_id) WHERE expires_at IS NULL;
      CREATE INDEX signing_keys_tenant_idx ON signing_keys (tenant_id, id);
      CREATE INDEX signing_keys_expires_at_idx ON signing_keys (expires_at) WHERE expires_at IS NOT NULL;

      ALTER TABLE webhooks ADD COLUMN signature_types text[] NOT NULL DEFAULT '{v1}'
        CHECK (signature_types <@ ARRAY['v1', 'v1a'] AND cardinality(signature_types) > 0);
      ALTER TABLE tenants ADD COLUMN allowed_cidrs text[] NOT NULL DEFAULT '{}';
      COMMENT ON COLUMN tenants.allowed_cidrs IS 'special ranges that its deliveries may reach, beside those of the installation; set by the operator';
    `);
    for (const table of ['retiring_secrets', 'signing_keys']) {
      await runner.query(`
        ALTER TABLE ${table} ENABLE ROW LEVEL SECURITY;
        CREATE POLICY tenant_wall ON ${table} TO webhooks_request USING (tenant_id = current_tenant()) WITH CHECK (tenant_id = current_tenant());
        CREATE POLICY service ON ${table} TO webhooks_service USING (true) WITH CHECK (true);
        GRANT SELECT, INSERT, DELETE ON ${table} TO webhooks_request;
        GRANT SELECT, UPDATE, DELETE ON ${table} TO webhooks_service;
      `);
    }
    await runner.query('GRANT UPDATE (expires_at) ON signing_keys TO webhooks_request');
  }

  async down(runner: QueryRunner): Promise<void> {
    await runner.query(`
      ALTER TABLE tenants DROP COLUMN allowed_cidrs;
      ALTER TABLE webhooks DROP COLUMN signature_types;
      DROP TABLE signing_keys, retiring_secrets;
    `);
  }
}
