import { randomBytes } from 'node:crypto';
import { rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { CommandInputs } from '#inbound-rules/commands/command-inputs';

/** Files made for one run of a command. */
export interface CommandFiles {
  /** Where each is, by its variable. */
  environment: Record<string, string>;
  remove(): Promise<void>;
}

/**
 * Writes a run's files where only this user may read them; a name is never one that exists.
 * @throws what the file system throws; nothing is left behind then.
 */
export async function writeCommandFiles(files: CommandInputs['files'], directory: string): Promise<CommandFiles> {
  const environment: Record<string, string> = {};
  const written: string[] = [];
  const remove = async (): Promise<void> => {
    await Promise.all(written.map((path) => rm(path, { force: true })));
  };
  try {
    for (const { envname, content } of files) {
      const name = `${envname.replaceAll(/[^A-Za-z0-9_.-]/g, '_').slice(0, 64)}-${randomBytes(12).toString('hex')}`;
      const path = join(directory, name);
      written.push(path);
      await writeFile(path, content, { mode: 0o600, flag: 'wx' });
      environment[envname] = path;
    }
  } catch (error) {
    await remove().catch(() => undefined); // the first error says more
    throw error;
  }
  return { environment, remove };
}
