import type { SqlDatabase } from './sql-database';

const VERSION = 1;

/** Names of types that SQLite and PostgreSQL understand alike; instants are Unix ms, `1` and `0` stand for true and false. */
const TABLES = [
  `CREATE TABLE IF NOT EXISTS webhook_manager_schema (version BIGINT PRIMARY KEY)`,
  `CREATE TABLE IF NOT EXISTS webhook_manager_endpoints (
    id TEXT PRIMARY KEY,
    name TEXT NOT NULL UNIQUE,
    definition TEXT NOT NULL,
    definition_hash TEXT NOT NULL,
    secrets TEXT NOT NULL,
    version BIGINT NOT NULL,
    trigger_count BIGINT NOT NULL,
    last_trigger_at BIGINT,
    created_at BIGINT NOT NULL
  )`,
  `CREATE TABLE IF NOT EXISTS webhook_manager_actions (
    endpoint_id TEXT NOT NULL,
    id TEXT NOT NULL,
    position BIGINT NOT NULL,
    type TEXT NOT NULL,
    settings TEXT NOT NULL,
    condition TEXT,
    retry_policy TEXT,
    PRIMARY KEY (endpoint_id, id)
  )`,
  `CREATE TABLE IF NOT EXISTS webhook_manager_requests (
    id TEXT PRIMARY KEY,
    endpoint_id TEXT NOT NULL,
    status TEXT NOT NULL,
    code TEXT NOT NULL,
    steps TEXT NOT NULL,
    is_test BIGINT NOT NULL,
    keeps_body BIGINT NOT NULL,
    ip TEXT NOT NULL,
    method TEXT NOT NULL,
    query TEXT NOT NULL,
    headers TEXT NOT NULL,
    body BYTEA,
    response TEXT NOT NULL,
    received_at BIGINT NOT NULL
  )`,
  `CREATE INDEX IF NOT EXISTS webhook_manager_requests_history ON webhook_manager_requests (endpoint_id, id)`,
  `CREATE TABLE IF NOT EXISTS webhook_manager_runs (
    id TEXT PRIMARY KEY,
    endpoint_id TEXT NOT NULL,
    request_id TEXT NOT NULL,
    action_id TEXT NOT NULL,
    position BIGINT NOT NULL,
    type TEXT NOT NULL,
    is_function BIGINT NOT NULL,
    status TEXT NOT NULL,
    attempts BIGINT NOT NULL,
    due_at BIGINT NOT NULL,
    owner TEXT,
    leased_until BIGINT,
    result TEXT,
    error TEXT,
    finished_at BIGINT
  )`,
  `CREATE INDEX IF NOT EXISTS webhook_manager_runs_due ON webhook_manager_runs (due_at)
    WHERE status IN ('waiting', 'running')`,
  `CREATE INDEX IF NOT EXISTS webhook_manager_runs_request ON webhook_manager_runs (request_id)`,
  `CREATE TABLE IF NOT EXISTS webhook_manager_seen (
    endpoint_id TEXT NOT NULL,
    seen_key TEXT NOT NULL,
    request_id TEXT NOT NULL,
    is_claim BIGINT NOT NULL,
    expires_at BIGINT NOT NULL,
    PRIMARY KEY (endpoint_id, seen_key)
  )`,
  `CREATE INDEX IF NOT EXISTS webhook_manager_seen_expires ON webhook_manager_seen (expires_at)`,
  `CREATE TABLE IF NOT EXISTS webhook_manager_records (
    id TEXT PRIMARY KEY,
    endpoint_id TEXT NOT NULL,
    table_name TEXT NOT NULL,
    request_id TEXT NOT NULL,
    data TEXT NOT NULL,
    created_at BIGINT NOT NULL
  )`,
  `CREATE INDEX IF NOT EXISTS webhook_manager_records_table ON webhook_manager_records (endpoint_id, table_name, id)`,
];

/**
 * Makes the tables where they are not there yet.
 * @param lock a statement by which processes that start at the same time wait for one another; empty for none.
 * @throws Error when a newer version of this library has written them.
 */
export async function createTables(database: SqlDatabase, lock: string): Promise<void> {
  await database.transaction(async (query) => {
    if (lock !== '') await query(lock);
    for (const table of TABLES) await query(table);
    await query(`INSERT INTO webhook_manager_schema VALUES ($1) ON CONFLICT DO NOTHING`, [VERSION]);
    const [found] = await query<{ version: number }>(`SELECT max(version) AS version FROM webhook_manager_schema`);
    if (found !== undefined && found.version > VERSION) {
      throw new Error(
        `The webhooks were stored by a newer version of this library (tables of version ${found.version})`,
      );
    }
  });
}

/** Any number that nobody else uses; the transaction's end releases it. */
export const POSTGRES_LOCK = `SELECT pg_advisory_xact_lock(7461352219)`;
