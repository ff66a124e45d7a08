import { randomBytes } from 'node:crypto';
import { Client } from 'pg';

export interface TestDatabase {
  readonly url: string;
  /** Removes the database, closing what is still connected. */
  drop(): Promise<void>;
}

/** Where the global setup leaves the server's address and the migrated database's name for the test files. */
export const SERVER_URL_VARIABLE = 'TEST_SERVER_URL';
export const TEMPLATE_VARIABLE = 'TEST_TEMPLATE_DATABASE';

/** A database of its own with the newest schema, owned by the server's superuser; one per test file, or per test. */
export async function createTestDatabase(): Promise<TestDatabase> {
  const serverUrl = requiredVariable(SERVER_URL_VARIABLE);
  const name = `test_${randomBytes(8).toString('hex')}`;
  await execute(serverUrl, `CREATE DATABASE ${name} TEMPLATE ${requiredVariable(TEMPLATE_VARIABLE)}`);
  return {
    url: databaseUrl(serverUrl, name),
    drop: () => execute(serverUrl, `DROP DATABASE ${name} WITH (FORCE)`),
  };
}

/** The same server's address with another database. */
export function databaseUrl(serverUrl: string, name: string): string {
  const url = new URL(serverUrl);
  url.pathname = `/${name}`;
  return url.href;
}

/** Runs one statement on a connection of its own. */
export async function execute(url: string, statement: string): Promise<void> {
  const client = new Client({ connectionString: url });
  await client.connect();
  try {
    await client.query(statement);
  } finally {
    await client.end();
  }
}

function requiredVariable(name: string): string {
  const value = process.env[name];
  if (value === undefined) throw new Error(`${name} is not set: this test needs test/support/global-setup.ts`);
  return value;
}
