import type { PoolClient } from 'pg';

/** A token and where it was used from. */
export interface TokenUse {
  tokenId: string;
  tenantId: string;
  network: string;
}

/** Networks noted per token: a token that is used from everywhere tells nothing by one more. */
const MAX_NETWORKS = 1_000;

/** Notes where tokens were used from; answers those that were never used from there, and whether ever before. */
export async function noteTokenUses(
  client: PoolClient,
  uses: TokenUse[],
): Promise<{ token_id: string; network: string; is_first: boolean }[]> {
  const { rows } = await client.query<{ token_id: string; network: string; is_first: boolean }>({
    name: 'note-token-uses',
    text: `WITH used AS (
             SELECT token.id, token.tenant_id, u.network,
               (SELECT count(*) FROM token_networks known WHERE known.token_id = token.id) AS known
             FROM unnest($1::uuid[], $2::text[]) AS u(token_id, network) JOIN tokens token ON token.id = u.token_id
           ), noted AS (
             INSERT INTO token_networks (token_id, network, tenant_id)
             SELECT id, network, tenant_id FROM used WHERE known < $3 ORDER BY id, network
             ON CONFLICT DO NOTHING RETURNING token_id, network)
           SELECT DISTINCT noted.token_id, noted.network, used.known = 0 AS is_first
           FROM noted JOIN used ON used.id = noted.token_id AND used.network = noted.network`,
    values: [uses.map((use) => use.tokenId), uses.map((use) => use.network), MAX_NETWORKS],
  });
  return rows;
}
