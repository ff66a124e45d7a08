import { createHmac } from 'node:crypto';
import { mkdtempSync, rmSync, statSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createWebhookManager } from '#sdk/webhooks';
import { startProcess, type TestProcess } from '../support/apps-as-processes';
import { createTestDatabase, type TestDatabase } from '../support/postgres';
import { waitFor } from '../support/wait-for';

/** What a killed process had begun is taken up when its lease of 15 s ends. */
const LEASE_DEADLINE_MS = 30_000;

describe.each(['sqlite', 'postgres'] as const)('a killed application with webhooks in %s', (storage) => {
  let directory: string;
  let database: TestDatabase;

  beforeAll(async () => {
    directory = mkdtempSync(join(tmpdir(), 'webhooks-'));
    database = await createTestDatabase();
  });

  afterAll(async () => {
    await database.drop();
    rmSync(directory, { recursive: true });
  });

  const start = (action: 'hang' | 'work'): TestProcess =>
    startProcess(process.execPath, ['test/support/embedded-webhooks.cjs'], {
      ...{ STORAGE: storage, DB_PATH: join(directory, 'webhooks.db'), DATABASE_URL: database.url, ACTION: action },
    });

  it('loses no action of a request that it has answered', async () => {
    const first = start('hang');
    const port = (): string | undefined => /listening on port (\d+)/.exec(first.output())?.[1];
    await waitFor('the application to listen', () => port() !== undefined);
    for (const job of ['one', 'two']) {
      const body = JSON.stringify({ job });
      const signature = createHmac('sha256', 'secret-of-jobs').update(body).digest('hex');
      const headers = { 'content-type': 'application/json', 'x-webhook-signature': `sha256=${signature}` };
      const answer = await fetch(`http://127.0.0.1:${port() ?? ''}/webhooks/jobs`, { method: 'POST', headers, body });
      expect(answer.status).toBe(200);
    }
    await waitFor('the first action to begin', () => first.output().includes('begins one'));
    await first.end('SIGKILL');

    const second = start('work');
    // What had not begun is run at once.
    await waitFor('the action that waited', () => second.output().includes('begins two attempt 1'));
    await waitFor('the action that was cut off', () => second.output().includes('begins one'), LEASE_DEADLINE_MS);
    const options = { storage, dbPath: join(directory, 'webhooks.db'), databaseUrl: database.url };
    const third = createWebhookManager({ baseUrl: 'http://127.0.0.1', ...options });
    await waitFor('both to be recorded', async () => {
      const logs = await third.getLogs('jobs');
      return logs.length === 2 && logs.every(({ actions }) => actions[0]?.status === 'succeeded');
    });
    expect((await third.get('jobs')).triggerCount).toBe(2);
    await third.close();
    await second.end('SIGKILL');
    if (storage === 'sqlite') expect(statSync(options.dbPath).mode & 0o777).toBe(0o600);
  });
});
