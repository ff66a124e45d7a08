import type { Pool } from 'pg';
import type { WantedRun } from './received-request';

/** Everything that receiving needs of an endpoint, as it is stored; `null` columns mean the default. */
export interface EndpointRow {
  id: string;
  tenant_id: string;
  name: string;
  enabled: boolean;
  url_key: string;
  previous_url_key: string | null;
  previous_url_key_until: Date | null;
  hook_id: string | null;
  methods: string[];
  body: Record<string, unknown>;
  schema: string | null;
  allowed_ips: string[];
  signature: Record<string, unknown>;
  sealed_secrets: Buffer;
  sealed_trigger_rule: Buffer | null;
  trigger_options: Record<string, unknown>;
  dedupe: Record<string, unknown> | false | null;
  response: Record<string, unknown>;
  rate_limit: Record<string, unknown> | null;
  debug: boolean;
  version: string;
  actions: WantedRun[];
}

/** How far back {@link readEndpointChanges} looks, by the database's clock. */
const CHANGES_WINDOW_MS = 10_000;

const COLUMNS = `e.id, e.tenant_id, e.name, e.enabled, e.url_key, e.previous_url_key, e.previous_url_key_until, e.hook_id, e.methods,
  e.body, e.schema, e.allowed_ips, e.signature, e.sealed_secrets, e.sealed_trigger_rule, e.trigger_options, e.dedupe, e.response,
  e.rate_limit, e.debug, e.version,
  (SELECT coalesce(json_agg(json_build_object('actionId', a.id, 'position', a.position, 'type', a.type) ORDER BY a.position, a.id), '[]')
   FROM inbound_actions a WHERE a.endpoint_id = e.id) AS actions`;

const FROM_PRESENT = `FROM inbound_endpoints e JOIN tenants t ON t.id = e.tenant_id AND t.status = 'active' AND t.deleted_at IS NULL
  WHERE e.deleted_at IS NULL`;

// Two parts, so that each uses its own index.
const FIND_BY_KEYS = `
  SELECT ${COLUMNS} ${FROM_PRESENT} AND e.url_key = ANY ($1::text[])
  UNION ALL
  SELECT ${COLUMNS} ${FROM_PRESENT} AND e.previous_url_key = ANY ($1::text[]) AND e.previous_url_key_until > now()`;

const FIND_BY_HOOK_IDS = `SELECT ${COLUMNS} ${FROM_PRESENT} AND e.hook_id = ANY ($1::text[])`;

/** Endpoints of active tenants by their present or previous URL key. */
export async function findEndpointsByKeys(pool: Pool, keys: string[]): Promise<EndpointRow[]> {
  const { rows } = await pool.query<EndpointRow>({ name: 'inbound-by-keys', text: FIND_BY_KEYS, values: [keys] });
  return rows;
}

/** Endpoints of active tenants by their hook id. */
export async function findEndpointsByHookIds(pool: Pool, ids: string[]): Promise<EndpointRow[]> {
  const { rows } = await pool.query<EndpointRow>({ name: 'inbound-by-hooks', text: FIND_BY_HOOK_IDS, values: [ids] });
  return rows;
}

/** One endpoint, whatever its tenant's state. */
export async function findEndpointById(pool: Pool, tenantId: string, id: string): Promise<EndpointRow | undefined> {
  const { rows } = await pool.query<EndpointRow>({
    name: 'inbound-by-id',
    text: `SELECT ${COLUMNS} FROM inbound_endpoints e WHERE e.tenant_id = $1 AND e.id = $2 AND e.deleted_at IS NULL`,
    values: [tenantId, id],
  });
  return rows[0];
}

/** An endpoint, or all of a tenant's, that changed. */
export interface EndpointChange {
  kind: 'endpoint' | 'tenant';
  id: string;
  at: Date;
}

/** What changed within the last {@link CHANGES_WINDOW_MS}. */
export async function readEndpointChanges(pool: Pool): Promise<EndpointChange[]> {
  const { rows } = await pool.query<EndpointChange>({ name: 'inbound-changes', text: CHANGES });
  return rows;
}

const CHANGES = `
  SELECT 'endpoint' AS kind, id, changed_at AS at FROM inbound_endpoints WHERE changed_at > now() - interval '${CHANGES_WINDOW_MS} ms'
  UNION ALL
  SELECT 'tenant', id, changed_at FROM tenants WHERE changed_at > now() - interval '${CHANGES_WINDOW_MS} ms'`;
