import type { Pool } from 'pg';
import type { EntityManager } from 'typeorm';

/** A tenant's Slack workspace, as its owner sees it. */
export interface SlackLink {
  urlKey: string;
  tokenId: string;
  teamId: string | null;
  userIds: string[];
  createdAt: Date;
  updatedAt: Date;
}

/** What a command from Slack is checked against. */
export interface SlackLinkSecrets {
  id: string;
  tenantId: string;
  sealedSigningSecret: Buffer;
  teamId: string | null;
  userIds: string[];
  tokenHash: Buffer;
}

/** Null when the tenant has none. */
export async function findSlackLink(manager: EntityManager, tenantId: string): Promise<SlackLink | null> {
  const rows = await manager.query<LinkRow[]>(`SELECT ${COLUMNS} FROM slack_links WHERE tenant_id = $1`, [tenantId]);
  return rows[0] === undefined ? null : toLink(rows[0]);
}

/** Makes or replaces the tenant's link; the URL stays what it was. */
export async function saveSlackLink(
  manager: EntityManager,
  tenantId: string,
  link: Pick<SlackLink, 'urlKey' | 'tokenId' | 'teamId' | 'userIds'> & { id: string; sealedSigningSecret: Buffer },
): Promise<SlackLink> {
  const rows = await manager.query<LinkRow[]>(
    `INSERT INTO slack_links (id, tenant_id, url_key, sealed_signing_secret, token_id, team_id, user_ids) VALUES ($1, $2, $3, $4, $5, $6, $7)
     ON CONFLICT (tenant_id) DO UPDATE SET id = excluded.id, sealed_signing_secret = excluded.sealed_signing_secret, token_id = excluded.token_id,
       team_id = excluded.team_id, user_ids = excluded.user_ids, updated_at = now()
     RETURNING ${COLUMNS}`,
    [link.id, tenantId, link.urlKey, link.sealedSigningSecret, link.tokenId, link.teamId, link.userIds],
  );
  return toLink(rows[0]!);
}

/** Whether there was one. */
export async function deleteSlackLink(manager: EntityManager, tenantId: string): Promise<boolean> {
  const [, count] = await manager.query<[unknown, number]>('DELETE FROM slack_links WHERE tenant_id = $1', [tenantId]);
  return count > 0;
}

/** The link that a command was posted to, of whatever tenant: only its signature tells whose it is. */
export async function findPostedTo(pool: Pool, urlKey: string): Promise<SlackLinkSecrets | null> {
  const { rows } = await pool.query<{
    id: string;
    tenant_id: string;
    sealed_signing_secret: Buffer;
    team_id: string | null;
    user_ids: string[];
    hash: Buffer;
  }>({
    name: 'slack-link-posted-to',
    text: `SELECT link.id, link.tenant_id, link.sealed_signing_secret, link.team_id, link.user_ids, token.hash
           FROM slack_links link JOIN tokens token ON token.id = link.token_id WHERE link.url_key = $1`,
    values: [urlKey],
  });
  const row = rows[0];
  if (row === undefined) return null;
  return {
    id: row.id,
    tenantId: row.tenant_id,
    sealedSigningSecret: row.sealed_signing_secret,
    teamId: row.team_id,
    userIds: row.user_ids,
    tokenHash: row.hash,
  };
}

const COLUMNS = 'url_key, token_id, team_id, user_ids, created_at, updated_at';

interface LinkRow {
  url_key: string;
  token_id: string;
  team_id: string | null;
  user_ids: string[];
  created_at: Date;
  updated_at: Date;
}

function toLink(row: LinkRow): SlackLink {
  return {
    urlKey: row.url_key,
    tokenId: row.token_id,
    teamId: row.team_id,
    userIds: row.user_ids,
    createdAt: row.created_at,
    updatedAt: row.updated_at,
  };
}
