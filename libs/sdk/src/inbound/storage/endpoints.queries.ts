import type { Query } from './sql-database';

/** An endpoint as it is stored. */
export interface EndpointRow {
  id: string;
  name: string;
  /** JSON of what was given to `create`, without the secret. */
  definition: string;
  /** Of the definition as it was created, so that creating the same again can be told from another one of that name. */
  definition_hash: string;
  /** JSON of {@link StoredSecret}, newest first; sealed where a key is given. */
  secrets: string;
  /** Grows with every change. */
  version: number;
  trigger_count: number;
  last_trigger_at: number | null;
  created_at: number;
}

export interface ActionRow {
  endpoint_id: string;
  id: string;
  position: number;
  type: string;
  /** JSON; sealed where a key is given. */
  settings: string;
  condition: string | null;
  retry_policy: string | null;
}

/** False when there is one of that name. */
export async function insertEndpoint(
  query: Query,
  row: Omit<EndpointRow, 'version' | 'trigger_count' | 'last_trigger_at'>,
): Promise<boolean> {
  const made = await query(
    `INSERT INTO webhook_manager_endpoints
       (id, name, definition, definition_hash, secrets, version, trigger_count, created_at)
     VALUES ($1, $2, $3, $4, $5, 1, 0, $6) ON CONFLICT (name) DO NOTHING RETURNING id`,
    [row.id, row.name, row.definition, row.definition_hash, row.secrets, row.created_at],
  );
  return made.length > 0;
}

export async function findEndpoint(query: Query, name: string): Promise<EndpointRow | null> {
  const [row] = await query<EndpointRow>(`SELECT * FROM webhook_manager_endpoints WHERE name = $1`, [name]);
  return row ?? null;
}

export async function findEndpointById(query: Query, id: string): Promise<EndpointRow | null> {
  const [row] = await query<EndpointRow>(`SELECT * FROM webhook_manager_endpoints WHERE id = $1`, [id]);
  return row ?? null;
}

export function listEndpoints(query: Query): Promise<EndpointRow[]> {
  return query<EndpointRow>(`SELECT * FROM webhook_manager_endpoints ORDER BY id`);
}

/** Writes definition and secrets, unless somebody else has changed the endpoint meanwhile: then it is false. */
export async function updateEndpoint(
  query: Query,
  { id, version, definition, secrets }: Pick<EndpointRow, 'id' | 'version' | 'definition' | 'secrets'>,
): Promise<boolean> {
  const changed = await query(
    `UPDATE webhook_manager_endpoints SET definition = $3, secrets = $4, version = version + 1
     WHERE id = $1 AND version = $2 RETURNING id`,
    [id, version, definition, secrets],
  );
  return changed.length > 0;
}

/** Deletes an endpoint and all that belongs to it; false when there is none. */
export async function deleteEndpoint(query: Query, name: string): Promise<boolean> {
  const [gone] = await query<{ id: string }>(`DELETE FROM webhook_manager_endpoints WHERE name = $1 RETURNING id`, [
    name,
  ]);
  if (gone === undefined) return false;
  for (const table of ['actions', 'requests', 'runs', 'seen', 'records']) {
    await query(`DELETE FROM webhook_manager_${table} WHERE endpoint_id = $1`, [gone.id]);
  }
  return true;
}

export function listActions(query: Query, endpointId: string): Promise<ActionRow[]> {
  return query<ActionRow>(`SELECT * FROM webhook_manager_actions WHERE endpoint_id = $1 ORDER BY position, id`, [
    endpointId,
  ]);
}

export async function findAction(query: Query, endpointId: string, id: string): Promise<ActionRow | null> {
  const [row] = await query<ActionRow>(`SELECT * FROM webhook_manager_actions WHERE endpoint_id = $1 AND id = $2`, [
    endpointId,
    id,
  ]);
  return row ?? null;
}

/** Changes nothing when it is there already. */
export async function insertAction(query: Query, row: Omit<ActionRow, 'position'>): Promise<void> {
  await query(
    `INSERT INTO webhook_manager_actions (endpoint_id, id, position, type, settings, condition, retry_policy)
     VALUES ($1, $2, (SELECT coalesce(max(position), 0) + 1 FROM webhook_manager_actions WHERE endpoint_id = $1),
       $3, $4, $5, $6) ON CONFLICT DO NOTHING`,
    [row.endpoint_id, row.id, row.type, row.settings, row.condition, row.retry_policy],
  );
}

/** What waits for it is not run any more. False when there was none. */
export async function deleteAction(query: Query, endpointId: string, id: string, nowMs: number): Promise<boolean> {
  const gone = await query(`DELETE FROM webhook_manager_actions WHERE endpoint_id = $1 AND id = $2 RETURNING id`, [
    endpointId,
    id,
  ]);
  await query(
    `UPDATE webhook_manager_runs SET status = 'skipped', error = 'The action was removed', finished_at = $3
     WHERE endpoint_id = $1 AND action_id = $2 AND status = 'waiting'`,
    [endpointId, id, nowMs],
  );
  return gone.length > 0;
}
