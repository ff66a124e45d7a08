import { Client, type QueryResultRow } from 'pg';

/** The rows of one statement, on a connection of its own, as the server's superuser. */
export async function queryRows<T extends QueryResultRow>(
  url: string,
  statement: string,
  values: unknown[] = [],
): Promise<T[]> {
  const client = new Client({ connectionString: url });
  await client.connect();
  try {
    return (await client.query<T>(statement, values)).rows;
  } finally {
    await client.end();
  }
}
