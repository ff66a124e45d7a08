import { Redis } from 'ioredis';
import { Client } from 'pg';

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

/** Everything under a prefix in Redis, as text. */
export async function readRedis(url: string, prefix: string): Promise<string> {
  const redis = new Redis(url);
  try {
    const texts: unknown[] = [];
    for (const key of await redis.keys(`*${prefix}*`)) {
      texts.push(key);
      switch (await redis.type(key)) {
        case 'string':
          texts.push(await redis.get(key));
          break;
        case 'hash':
          texts.push(await redis.hgetall(key));
          break;
        case 'list':
          texts.push(await redis.lrange(key, 0, -1));
          break;
        case 'set':
          texts.push(await redis.smembers(key));
          break;
        case 'zset':
          texts.push(await redis.zrange(key, 0, -1));
          break;
        case 'stream':
          texts.push(await redis.xrange(key, '-', '+'));
          break;
      }
    }
    return texts.map((text) => JSON.stringify(text)).join('\n');
  } finally {
    redis.disconnect();
  }
}
