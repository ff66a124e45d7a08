import { readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { createTestDatabase } from '../support/postgres';
import { dumpSchema } from '../support/schema-dump';

const SCHEMA_FILE = join(__dirname, '../../migrations/schema.sql');

it('migrations/schema.sql says what the migrations make (npm run schema writes it)', async () => {
  const database = await createTestDatabase();
  try {
    const schema = await dumpSchema(database.url);
    if (process.env['UPDATE_SCHEMA'] === '1') await writeFile(SCHEMA_FILE, schema);
    expect(await readFile(SCHEMA_FILE, 'utf8')).toBe(schema);
  } finally {
    await database.drop();
  }
});
