import { execFile } from 'node:child_process';
import { chown, lchown, readdir, rm, stat } from 'node:fs/promises';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { EmbeddedPostgresError } from './embedded-postgres-error';
import { copyPostgresBinaries, sharedFolders, type PostgresBinaries } from './postgres-binaries';
import { postgresEnvironment } from './postgres-environment';
import { makeTemporaryFolder } from './temporary-folder';

/** The user that PostgreSQL's programs run as, and how to run them so. */
export interface PostgresAccount {
  readonly description: string;
  readonly binaries: PostgresBinaries;
  /** Who must own the data folder on disk. */
  readonly owner: Owner;
  /** What spawn() needs beside the command. The command's working folder must be the data folder. */
  readonly spawnOptions: { uid?: number; gid?: number };
  command(program: string, programArguments: string[]): [string, string[]];
  /** What to give the programs as data folder. */
  dataArgument(dataFolder: string): string;
}

interface Owner {
  readonly uid: number;
  readonly gid: number;
}

/** `nobody` on every Linux distribution, and the kernel's own id for an unknown user. */
const NOBODY_ID = 65534;

const TRIAL_DEADLINE_MS = 10_000;

const run = promisify(execFile);

/**
 * Chooses the first account that really works here, since PostgreSQL refuses to run as root, and initdb as a user
 * without a name:
 *
 * 1. the user we are;
 * 2. the same user under another number, in a user namespace (util-linux): every file stays the user's own;
 * 3. as root only, `nobody`. The data folder, opened by us as the working folder, needs no way in of its own, so it may
 *    lie where only root can enter; programs that lie there are copied to a shared folder.
 *
 * Each is tried in a new folder under `dataDir`. Throws EmbeddedPostgresError when none works.
 */
export async function choosePostgresAccount(binaries: PostgresBinaries, dataDir: string): Promise<PostgresAccount> {
  const failures: string[] = [];
  for await (const account of candidates(binaries, failures)) {
    try {
      await tryOut(account, dataDir);
      return account;
    } catch (error) {
      failures.push(`as ${account.description}: ${lastLineOf(error)}`);
    }
  }
  throw new EmbeddedPostgresError(`the embedded PostgreSQL cannot run here (${failures.join('; ')})`);
}

/** Gives a data folder made under another account to this one. */
export async function takeOver(folder: string, { uid, gid }: Owner): Promise<void> {
  const { uid: ownerUid } = await stat(folder);
  if (ownerUid === uid) return;
  for (const entry of await readdir(folder, { withFileTypes: true, recursive: true })) {
    await lchown(join(entry.parentPath, entry.name), uid, gid);
  }
  // The folder itself comes last, so that an interrupted change is done again.
  await chown(folder, uid, gid);
}

async function* candidates(binaries: PostgresBinaries, failures: string[]): AsyncGenerator<PostgresAccount> {
  const self = { uid: process.geteuid?.() ?? 0, gid: process.getegid?.() ?? 0 };
  if (self.uid !== 0) yield ownAccount(binaries, self);
  if (process.platform !== 'linux') return;
  yield userNamespaceAccount(binaries, self);
  if (self.uid !== 0) return;
  yield nobodyAccount(binaries);
  for (const folder of sharedFolders()) {
    try {
      yield nobodyAccount(await copyPostgresBinaries(binaries, folder));
    } catch (error) {
      failures.push(lastLineOf(error));
    }
  }
}

function ownAccount(binaries: PostgresBinaries, self: Owner): PostgresAccount {
  return {
    description: 'this user',
    binaries,
    owner: self,
    spawnOptions: {},
    command: (program, programArguments) => [program, programArguments],
    dataArgument: (dataFolder) => dataFolder,
  };
}

function userNamespaceAccount(binaries: PostgresBinaries, self: Owner): PostgresAccount {
  const id = String(NOBODY_ID);
  return {
    ...ownAccount(binaries, self),
    description: 'this user in a user namespace',
    command: (program, programArguments) => [
      'unshare',
      ['--user', `--map-user=${id}`, `--map-group=${id}`, '--', program, ...programArguments],
    ],
  };
}

function nobodyAccount(binaries: PostgresBinaries): PostgresAccount {
  const nobody = { uid: NOBODY_ID, gid: NOBODY_ID };
  return {
    ...ownAccount(binaries, nobody),
    description: `nobody with the programs in ${binaries.folder}`,
    spawnOptions: nobody,
    dataArgument: () => '/proc/self/cwd',
  };
}

/** Not root, has a name, can write in its working folder through the given path, and can read and run the programs. */
const TRIAL = [
  'test "$(id -u)" != 0',
  'id -un',
  ': > "$2/trial"',
  'cat "$1/share/postgresql/postgres.bki"',
  '"$1/bin/initdb" --version',
  '"$1/bin/postgres" --version',
].join(' && ');

async function tryOut(account: PostgresAccount, dataDir: string): Promise<void> {
  const folder = await makeTemporaryFolder(dataDir);
  try {
    await chown(folder, account.owner.uid, account.owner.gid);
    const [file, commandArguments] = account.command('sh', [
      '-c',
      `{ ${TRIAL}; } > /dev/null`,
      'sh',
      account.binaries.folder,
      account.dataArgument(folder),
    ]);
    await run(file, commandArguments, {
      cwd: folder,
      env: postgresEnvironment(),
      timeout: TRIAL_DEADLINE_MS,
      ...account.spawnOptions,
    });
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
}

function lastLineOf(error: unknown): string {
  const text = error instanceof Error ? ('stderr' in error && String(error.stderr)) || error.message : String(error);
  return text.trim().split('\n').at(-1) ?? '';
}
