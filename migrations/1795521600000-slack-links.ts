import type { MigrationInterface, QueryRunner } from 'typeorm';

/** Slash commands of a tenant's Slack workspace: who signs them, and as whose token they act. */
export class SlackLinks1795521600000 implements MigrationInterface {
  async up(runner: QueryRunner): Promise<void> {
    await runner.query(`
      CREATE TABLE slack_links (
        id uuid PRIMARY KEY,
        tenant_id uuid NOT NULL UNIQUE REFERENCES tenants (id),
        url_key text NOT NULL,
        sealed_signing_secret bytea NOT NULL,
        token_id uuid NOT NULL REFERENCES tokens (id) ON DELETE CASCADE,
        team_id text,
        user_ids text[] NOT NULL DEFAULT '{}',
        created_at timestamptz NOT NULL DEFAULT now(),
        updated_at timestamptz NOT NULL DEFAULT now()
      );
      COMMENT ON COLUMN slack_links.url_key IS 'unguessable part of the URL that Slack posts commands to';
      COMMENT ON COLUMN slack_links.token_id IS 'commands may do what this token may, for as long as it is valid';
      COMMENT ON COLUMN slack_links.user_ids IS 'of Slack; empty: everybody of the workspace';
      CREATE UNIQUE INDEX slack_links_url_key_idx ON slack_links (url_key);
      CREATE INDEX slack_links_token_idx ON slack_links (token_id);
      ALTER TABLE slack_links ENABLE ROW LEVEL SECURITY;
      CREATE POLICY tenant_wall ON slack_links TO webhooks_request USING (tenant_id = current_tenant()) WITH CHECK (tenant_id = current_tenant());
      CREATE POLICY service ON slack_links TO webhooks_service USING (true) WITH CHECK (true);
      GRANT SELECT, INSERT, UPDATE, DELETE ON slack_links TO webhooks_request;
      GRANT SELECT, DELETE ON slack_links TO webhooks_service;
    `);
  }

  async down(runner: QueryRunner): Promise<void> {
    await runner.query('DROP TABLE slack_links');
  }
}
