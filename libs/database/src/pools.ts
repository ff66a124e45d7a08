import { Client, Pool, type ClientConfig, type PoolConfig } from 'pg';

/**
 * The roles the apps run as (made by migrations): `webhooks_request` sees one tenant at a
 * time through row-level security; `webhooks_service` runs the few reviewed statements over many tenants; a third,
 * `webhooks_retention`, owns the partitions and deletes what has had its time.
 */
export type DatabaseRole = 'webhooks_request' | 'webhooks_service' | 'webhooks_retention';

const CONNECT_TIMEOUT_MS = 5_000;
const STATEMENT_TIMEOUT_MS = 30_000;

/**
 * A connection whose breaking does not end the process: its own event tells of it while somebody holds it, and an
 * `error` event that nobody listens to is thrown. The holder learns of it by the statement that fails.
 */
export class SurvivingClient extends Client {
  constructor(config?: string | ClientConfig) {
    super(config);
    this.on('error', () => undefined);
  }
}

/** Connection settings that put every session into a role. */
export function roleConfig(databaseUrl: string, role: DatabaseRole, applicationName: string): PoolConfig {
  return {
    connectionString: databaseUrl,
    application_name: applicationName,
    options: `-c role=${role} -c statement_timeout=${STATEMENT_TIMEOUT_MS} -c idle_in_transaction_session_timeout=${STATEMENT_TIMEOUT_MS}`,
    connectionTimeoutMillis: CONNECT_TIMEOUT_MS,
    keepAlive: true,
  };
}

/**
 * The pool for batch statements. Connecting is lazy: making it never fails while the database is away.
 * @param onError is told of idle connections that broke; the pool replaces them by itself.
 */
export function createServicePool(
  databaseUrl: string,
  size: number,
  applicationName: string,
  onError: (error: Error) => void,
): Pool {
  const config = roleConfig(databaseUrl, 'webhooks_service', applicationName);
  // By itself PostgreSQL would plan each execution anew, since it expects too much of knowing the values (decision 0018).
  const options = `${config.options ?? ''} -c plan_cache_mode=force_generic_plan`;
  const pool = new Pool({ ...config, options, max: size, Client: SurvivingClient });
  pool.on('error', onError);
  return pool;
}
