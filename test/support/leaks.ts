import { once } from 'node:events';
import { connect } from 'node:net';
import { Client } from 'pg';
import { queryRows } from './query-rows';

/** Secrets by a name that a failing test may show. */
export type Canaries = Record<string, string>;

/** The canaries that a text holds in any of the forms in which programs write values. */
export function leaksIn(text: string, canaries: Canaries): string[] {
  const lower = text.toLowerCase();
  return Object.entries(canaries).flatMap(([name, secret]) =>
    formsOf(secret).some((form) => text.includes(form) || lower.includes(form.toLowerCase())) ? [name] : [],
  );
}

function formsOf(secret: string): string[] {
  const bytes = Buffer.from(secret);
  // In the middle of other bytes, base64 begins at any of three places; its ends depend on the neighbours.
  const inBase64 = [0, 1, 2].map((shift) => {
    const text = Buffer.concat([Buffer.alloc(shift), bytes])
      .toString('base64')
      .replace(/=+$/, '');
    return text.slice(shift === 0 ? 0 : 4, -2);
  });
  return [secret, encodeURIComponent(secret), JSON.stringify(secret).slice(1, -1), bytes.toString('hex'), ...inBase64];
}

/** Everything in a database by `schema.table.column`, as text; bytes are in hex. */
export async function readDatabase(databaseUrl: string): Promise<Map<string, string>> {
  const client = new Client({ connectionString: databaseUrl });
  await client.connect();
  try {
    const columns = await client.query<{ name: string; column: string; table: string }>(
      `SELECT format('%s.%s.%s', n.nspname, c.relname, a.attname) AS name, quote_ident(a.attname) AS column,
         c.oid::regclass::text AS table
       FROM pg_attribute a JOIN pg_class c ON c.oid = a.attrelid JOIN pg_namespace n ON n.oid = c.relnamespace
       WHERE n.nspname IN ('public', 'bullmq') AND c.relkind IN ('r', 'p') AND NOT c.relispartition AND a.attnum > 0
         AND NOT a.attisdropped`,
    );
    const found = new Map<string, string>();
    for (const { name, column, table } of columns.rows) {
      const { rows } = await client.query<{ text: string | null }>(
        `SELECT string_agg(${column}::text, E'\\n') AS text FROM ${table}`,
      );
      found.set(name, rows[0]?.text ?? '');
    }
    return found;
  } finally {
    await client.end();
  }
}

/** Every job that was added, since jobs go from the queue as soon as they are done. */
export interface RecordedJobs {
  read(): Promise<string>;
  stop(): void;
}

/**
 * Records jobs from now on, once an app has made the queue's tables.
 * @param redisUrl null for BullMQ on PostgreSQL.
 */
export async function recordJobs(databaseUrl: string, redisUrl: string | null, prefix: string): Promise<RecordedJobs> {
  return redisUrl === null ? recordRows(databaseUrl) : recordCommands(redisUrl, prefix);
}

/** In a table of their own, which `readDatabase` reads as well. */
async function recordRows(databaseUrl: string): Promise<RecordedJobs> {
  await queryRows(databaseUrl, 'CREATE TABLE recorded_jobs (job text)');
  await queryRows(
    databaseUrl,
    `CREATE FUNCTION record_job() RETURNS trigger LANGUAGE plpgsql SECURITY DEFINER AS
     'BEGIN INSERT INTO public.recorded_jobs VALUES (NEW::text); RETURN NEW; END'`,
  );
  await queryRows(
    databaseUrl,
    'CREATE TRIGGER record_job BEFORE INSERT OR UPDATE ON bullmq.job FOR EACH ROW EXECUTE FUNCTION record_job()',
  );
  return {
    read: async () =>
      (await queryRows<{ job: string }>(databaseUrl, 'SELECT job FROM recorded_jobs')).map(({ job }) => job).join('\n'),
    stop: () => undefined,
  };
}

/**
 * Over a plain socket: ioredis's `monitor()` breaks when the first command of another client arrives in one piece with
 * the answer to MONITOR, as it does on a busy server ("Command queue state error").
 */
async function recordCommands(url: string, prefix: string): Promise<RecordedJobs> {
  const { hostname, port } = new URL(url);
  const socket = connect(Number(port), hostname);
  let lines = '';
  socket.setEncoding('utf8').on('data', (text: string) => {
    lines += text;
  });
  socket.write('MONITOR\r\n');
  while (!lines.startsWith('+OK\r\n')) await once(socket, 'data');
  return {
    read: () =>
      Promise.resolve(
        lines
          .split('\r\n')
          .filter((line) => line.includes(prefix))
          .join('\n'),
      ),
    stop: () => void socket.destroy(),
  };
}
