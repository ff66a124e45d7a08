import { mkdtemp, readdir, rm } from 'node:fs/promises';
import { join } from 'node:path';

const PREFIX = 'temporary-';

/**
 * Makes a new folder in `dataDir` for work that may be cut off. Never one that was there before: what a killed start
 * left running may still write to that.
 */
export async function makeTemporaryFolder(dataDir: string): Promise<string> {
  return mkdtemp(join(dataDir, PREFIX));
}

/** Removes the folders of starts that were killed, as far as nothing is written to them any more. */
export async function removeTemporaryFolders(dataDir: string): Promise<void> {
  const names = (await readdir(dataDir)).filter((name) => name.startsWith(PREFIX));
  // One that is still written to is gone at the next start.
  await Promise.allSettled(names.map(async (name) => rm(join(dataDir, name), { recursive: true, force: true })));
}
