import { execFile } from 'node:child_process';
import { copyFile, mkdir, mkdtemp, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { promisify } from 'node:util';
import ts from 'typescript';
import { startApi, type TestApi } from '../support/api';
import { makeTenant } from '../support/factories';
import { createTestDatabase, type TestDatabase } from '../support/postgres';

const ROOT = join(__dirname, '..', '..');
/** Within the project, so that the client finds its packages. */
const CACHE = join(ROOT, '.cache');
const STRICT: ts.CompilerOptions = {
  strict: true,
  exactOptionalPropertyTypes: true,
  noUncheckedIndexedAccess: true,
  target: ts.ScriptTarget.ES2023,
  module: ts.ModuleKind.Node20,
  types: [],
  lib: ['lib.es2023.d.ts', 'lib.dom.d.ts', 'lib.dom.iterable.d.ts'],
  noEmit: true,
};

/** What generated-client.ts.txt has. */
interface Client {
  useApi(baseUrl: string, token: string): Promise<Record<string, unknown>>;
}

describe('a client generated from openapi.yaml', () => {
  let folder: string;
  let database: TestDatabase;
  let api: TestApi;

  beforeAll(async () => {
    await mkdir(CACHE, { recursive: true });
    folder = await mkdtemp(join(CACHE, 'generated-client-'));
    const generator = join(ROOT, 'node_modules', 'openapi-typescript', 'bin', 'cli.js');
    const description = join(ROOT, 'openapi.yaml');
    // A field with a default may be left out of a request.
    const options = ['--default-non-nullable=false', '-o', join(folder, 'api.d.ts')];
    await promisify(execFile)(process.execPath, [generator, description, ...options]);
    await copyFile(join(ROOT, 'test', 'support', 'generated-client.ts.txt'), join(folder, 'client.ts'));
    database = await createTestDatabase();
    api = await startApi({ databaseUrl: database.url });
  });

  afterAll(async () => {
    await api.stop();
    await database.drop();
    await rm(folder, { recursive: true });
  });

  it('compiles under strict', () => {
    const program = ts.createProgram([join(folder, 'client.ts')], STRICT);
    const found = ts.getPreEmitDiagnostics(program);
    expect(found.map(({ messageText }) => ts.flattenDiagnosticMessageText(messageText, '\n'))).toEqual([]);
  });

  it('makes, reads and deletes a webhook, and publishes an event', async () => {
    const { token } = await makeTenant(api);
    const { useApi } = (await import(join(folder, 'client'))) as Client;
    expect(await useApi(api.url, token)).toMatchObject({
      webhook: { name: 'Generated', events: ['build.*'], timeout: 45, recent_deliveries: [] },
      total: 1,
      accepted: 'accepted',
      message: 'Webhook deleted successfully',
      code: 'not_found',
    });
  });
});
