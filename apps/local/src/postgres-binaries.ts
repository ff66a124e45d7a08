import { createRequire } from 'node:module';
import { chmod, cp, lstat, mkdir, mkdtemp, readFile, readdir, rename, rm, stat, symlink } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { dirname, join, relative } from 'node:path';
import { EmbeddedPostgresError } from './embedded-postgres-error';
import { hasCode } from './error-code';

/** Where the programs of one PostgreSQL are, and which one it is. */
export interface PostgresBinaries {
  /** The folder with `bin`, `lib` and `share`. */
  readonly folder: string;
  readonly initdb: string;
  readonly postgres: string;
  /** Version of the package that brought them, such as `18.4.0`. */
  readonly version: string;
  readonly majorVersion: number;
}

/**
 * Finds the PostgreSQL that npm installed for this platform and completes it: the package's install script, which would
 * make the links between its libraries, does not run here. An installation that this user may not change is copied to
 * `fallbackFolder` first. Throws EmbeddedPostgresError when there is none for this platform.
 */
export async function findPostgresBinaries(fallbackFolder: string): Promise<PostgresBinaries> {
  const installed = await locate();
  try {
    await complete(installed.folder);
    return installed;
  } catch (error) {
    if (!hasCode(error, 'EACCES', 'EPERM', 'EROFS')) throw error;
    return copyPostgresBinaries(installed, fallbackFolder);
  }
}

/**
 * Copies the programs into `parentFolder`, readable and executable by every user, unless that copy is there already.
 * Throws EmbeddedPostgresError when other users may write to that folder.
 */
export async function copyPostgresBinaries(from: PostgresBinaries, parentFolder: string): Promise<PostgresBinaries> {
  await mkdir(parentFolder, { recursive: true, mode: 0o755 });
  const { uid, mode } = await lstat(parentFolder);
  if (uid !== process.geteuid?.() || (mode & 0o022) !== 0) {
    throw new EmbeddedPostgresError(`other users can change ${parentFolder}, so no program is run from there`);
  }
  // The umask may have taken from the mode above.
  await chmod(parentFolder, 0o755);
  const target = join(parentFolder, `postgresql-${from.version}-${process.platform}-${process.arch}`);
  if (!(await exists(target))) {
    const unfinished = await mkdtemp(`${target}.`);
    await cp(from.folder, unfinished, { recursive: true, verbatimSymlinks: true });
    await complete(unfinished);
    await openToAll(unfinished);
    // Only whole copies get the final name; when two starts make one at the same time, the second uses the first's.
    await rename(unfinished, target).catch(() => rm(unfinished, { recursive: true, force: true }));
  }
  return binariesIn(target, from.version);
}

/** Folders of which every user can reach the contents, the ones that only root can write first. */
export function sharedFolders(): string[] {
  return ['/var/cache/trae-webhooks', '/var/lib/trae-webhooks', join(tmpdir(), 'trae-webhooks-programs')];
}

async function locate(): Promise<PostgresBinaries> {
  const packageName = `@embedded-postgres/${process.platform}-${process.arch}`;
  try {
    const fromHere = createRequire(__filename);
    const fromLauncher = createRequire(fromHere.resolve('embedded-postgres'));
    const packageFolder = dirname(dirname(fromLauncher.resolve(packageName)));
    const manifest: unknown = JSON.parse(await readFile(join(packageFolder, 'package.json'), 'utf8'));
    return binariesIn(join(packageFolder, 'native'), versionOf(manifest));
  } catch (cause) {
    throw new EmbeddedPostgresError(
      `there is no embedded PostgreSQL for this machine: the package ${packageName} is not installed`,
      { cause },
    );
  }
}

function versionOf(manifest: unknown): string {
  if (typeof manifest === 'object' && manifest !== null && 'version' in manifest) return String(manifest.version);
  throw new TypeError('a package.json without a version');
}

function binariesIn(folder: string, version: string): PostgresBinaries {
  return {
    folder,
    initdb: join(folder, 'bin', 'initdb'),
    postgres: join(folder, 'bin', 'postgres'),
    version,
    majorVersion: Number.parseInt(version, 10),
  };
}

/** Makes the links between the libraries and the programs executable, where that is not yet so. */
async function complete(folder: string): Promise<void> {
  const links = JSON.parse(await readFile(join(folder, 'pg-symlinks.json'), 'utf8')) as {
    source: string;
    target: string;
  }[];
  for (const { source, target } of links) {
    const link = join(folder, relative('native', target));
    await symlink(relative(dirname(target), source), link).catch((error: unknown) => {
      if (!hasCode(error, 'EEXIST')) throw error;
    });
  }
  for (const name of await readdir(join(folder, 'bin'))) {
    const path = join(folder, 'bin', name);
    const { mode } = await stat(path);
    if ((mode & 0o111) === 0) await chmod(path, 0o755);
  }
}

async function openToAll(folder: string): Promise<void> {
  await chmod(folder, 0o755);
  for (const entry of await readdir(folder, { withFileTypes: true, recursive: true })) {
    if (entry.isSymbolicLink()) continue;
    const path = join(entry.parentPath, entry.name);
    const { mode } = await stat(path);
    await chmod(path, entry.isDirectory() || (mode & 0o100) !== 0 ? 0o755 : 0o644);
  }
}

async function exists(path: string): Promise<boolean> {
  return stat(path).then(
    () => true,
    () => false,
  );
}
