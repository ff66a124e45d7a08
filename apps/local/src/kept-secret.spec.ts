import { mkdtemp, readFile, rm, stat, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { keptSecret } from './kept-secret';

let folder: string;

beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'webhooks-secret-'));
});

afterEach(async () => {
  await rm(folder, { recursive: true });
});

describe('keptSecret', () => {
  it('makes a secret once and keeps it', async () => {
    const file = join(folder, 'secret');
    const first = await keptSecret(file);
    expect(first.isNew).toBe(true);
    expect(Buffer.from(first.value, 'base64url')).toHaveLength(32);
    expect(await keptSecret(file)).toEqual({ value: first.value, isNew: false });
  });

  it('keeps it where only its user can read it', async () => {
    const file = join(folder, 'secret');
    await keptSecret(file);
    expect((await stat(file)).mode & 0o777).toBe(0o600);
  });

  it('replaces a file that a full disk left empty', async () => {
    const file = join(folder, 'secret');
    await writeFile(file, '');
    const { value } = await keptSecret(file, () => 'made');
    expect(value).toBe('made');
    expect(await readFile(file, 'utf8')).toBe('made\n');
  });
});
