import { readFile, rename, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { hasCode } from './error-code';
import { processesNaming } from './process-list';

/** What `DATA_DIR/local.json` tells others about the local start that is running there. */
export interface LocalState {
  readonly pid: number;
  /** ISO 8601. */
  readonly startedAt: string;
  /** From here on once both apps are ready. */
  readonly apiUrl?: string;
  readonly dispatcherUrl?: string;
  /** The bearer token of the first tenant. */
  readonly token?: string;
}

/**
 * Claims the data folder for this process by its local.json. Answers the state of another local start that is running
 * there, in which case nothing is claimed, or undefined.
 */
export async function claimDataDir(dataDir: string, state: LocalState): Promise<LocalState | undefined> {
  try {
    await writeFile(stateFile(dataDir), JSON.stringify(state), { mode: 0o600, flag: 'wx' });
    return undefined;
  } catch (error) {
    if (!hasCode(error, 'EEXIST')) throw error;
  }
  const other = await readLocalState(dataDir);
  if (other !== undefined) return other;
  await rm(stateFile(dataDir), { force: true });
  return claimDataDir(dataDir, state);
}

/** The state of the local start that is running on the data folder, or undefined. */
async function readLocalState(dataDir: string): Promise<LocalState | undefined> {
  let state: LocalState;
  try {
    state = JSON.parse(await readFile(stateFile(dataDir), 'utf8')) as LocalState;
  } catch {
    // None, or one that was cut off.
    return undefined;
  }
  // After kill -9 the file stays, and the process id may belong to another program.
  const localStarts = await processesNaming(join('apps', 'local', 'main'));
  return localStarts.includes(state.pid) ? state : undefined;
}

/** Replaces what is told; the folder must be claimed. */
export async function writeLocalState(dataDir: string, state: LocalState): Promise<void> {
  await writeFile(`${stateFile(dataDir)}.new`, JSON.stringify(state, null, 2), { mode: 0o600 });
  await rename(`${stateFile(dataDir)}.new`, stateFile(dataDir));
}

/** Gives the folder free. */
export async function removeLocalState(dataDir: string): Promise<void> {
  await rm(stateFile(dataDir), { force: true });
}

function stateFile(dataDir: string): string {
  return join(dataDir, 'local.json');
}
