import { existsSync } from 'node:fs';
import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { SupervisedApp } from './supervised-app';
import { waitUntil } from './wait-until';

const DEADLINE = { deadlineMs: 20_000 };

let folder: string;
let messages: string[];
let app: SupervisedApp;

beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'webhooks-supervised-'));
  messages = [];
});

afterEach(async () => {
  app.kill();
  await rm(folder, { recursive: true });
});

/** Runs the script, which knows `note(text)` and `fs`, and does not end by itself; its notes go to the file `notes`. */
function supervise(script: string): void {
  const prelude = `const fs = require('node:fs'); const note = (text) => fs.appendFileSync(process.env.NOTES, text + ' '); process.on('message', () => undefined);`;
  app = new SupervisedApp({
    name: 'app',
    command: [process.execPath, '-e', prelude + script],
    env: { ...process.env, NOTES: join(folder, 'notes') },
    log: (message) => messages.push(message),
    onGivenUp: (reason) => messages.push(reason.message),
  });
}

async function notes(): Promise<string> {
  const file = join(folder, 'notes');
  return existsSync(file) ? readFile(file, 'utf8') : '';
}

describe('SupervisedApp', () => {
  it('lets the app finish its work when it is stopped', async () => {
    supervise(`process.on('SIGTERM', () => setTimeout(() => { note('drained'); process.exit() }, 50)); note('up');`);
    expect(await waitUntil(async () => (await notes()) === 'up ', DEADLINE)).toBe(true);
    await app.stop();
    expect(await notes()).toBe('up drained ');
    expect(messages).toEqual([]);
  });

  it('starts the app again when it ends by itself', async () => {
    supervise(
      `note('up'); if (fs.readFileSync(process.env.NOTES, 'utf8') === 'up ') process.exit(3); process.on('message', () => {});`,
    );
    expect(await waitUntil(async () => (await notes()) === 'up up ', DEADLINE)).toBe(true);
    expect(messages).toEqual(['The app ended (exit status 3): starting it again in 1 s']);
  });

  it('does not start the app again once it is stopped', async () => {
    supervise(`note('up'); process.exit(3);`);
    expect(await waitUntil(() => messages.length === 1, DEADLINE)).toBe(true);
    await app.stop();
    // Its next start would have been due after a second.
    expect(await waitUntil(async () => (await notes()) !== 'up ', { deadlineMs: 1_500 })).toBe(false);
  });
});
