import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { chown, readFile, readdir, rename, rmdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { text } from 'node:stream/consumers';
import { EmbeddedPostgresError } from './embedded-postgres-error';
import { hasCode } from './error-code';
import { takeOver, type PostgresAccount } from './postgres-account';
import { keptSecret } from './kept-secret';
import { postgresEnvironment } from './postgres-environment';
import { makeTemporaryFolder } from './temporary-folder';

/** The database that is made with the cluster. */
export const DATABASE_NAME = 'webhooks';

/** The cluster's first and only user of its own. */
export const SUPERUSER = 'postgres';

export interface PostgresCluster {
  readonly folder: string;
  readonly password: string;
}

/** Passwords over TCP from this machine only; there is no socket to come in by. */
const HBA = 'host all all 127.0.0.1/32 scram-sha-256\n';

interface ClusterOptions {
  account: PostgresAccount;
  dataDir: string;
  /** False only where the data may be lost: skips the syncs of a new cluster. */
  durable: boolean;
  log: (message: string) => void;
}

/**
 * Makes the cluster in `dataDir`/postgres if there is none, with its password in a file only this user can read, and
 * hands it to the account. A new one gets its final name only when it is complete, so an interrupted start leaves
 * nothing that looks like a cluster. Throws EmbeddedPostgresError when the one found is of another major version.
 */
export async function ensureCluster({ account, dataDir, durable, log }: ClusterOptions): Promise<PostgresCluster> {
  const folder = join(dataDir, 'postgres');
  const isComplete = await hasCompleteCluster(folder, account, log);
  const { value: password, isNew } = await keptSecret(join(dataDir, 'postgres-password'));
  if (!isComplete) {
    const unfinished = await makeTemporaryFolder(dataDir);
    await initialise(account, unfinished, password, durable);
    await rename(unfinished, folder);
  } else {
    await takeOver(folder, account.owner);
    if (isNew) {
      log('The password file was gone: setting a new password');
      await runSql(account, folder, [setPassword(password)]);
    }
  }
  return { folder, password };
}

async function hasCompleteCluster(folder: string, account: PostgresAccount, log: (message: string) => void) {
  const entries = await readdir(folder).catch((error: unknown) => {
    if (hasCode(error, 'ENOENT')) return undefined;
    throw error;
  });
  if (entries === undefined) return false;
  if (entries.length === 0) {
    await rmdir(folder);
    return false;
  }
  const version = await readFile(join(folder, 'PG_VERSION'), 'utf8').catch(() => undefined);
  const control = await readdir(join(folder, 'global')).catch((): string[] => []);
  if (version === undefined || !control.includes('pg_control')) {
    const aside = `${folder}.broken-${String(Date.now())}`;
    log(`${folder} holds no complete database: moved to ${aside}`);
    await rename(folder, aside);
    return false;
  }
  const { majorVersion } = account.binaries;
  if (Number.parseInt(version, 10) !== majorVersion) {
    throw new EmbeddedPostgresError(
      `${folder} was made by PostgreSQL ${version.trim()}, and the embedded one is ${String(majorVersion)}: ` +
        `move the data over with pg_dump and pg_restore, or begin anew with another DATA_DIR`,
    );
  }
  return true;
}

async function initialise(account: PostgresAccount, folder: string, password: string, durable: boolean): Promise<void> {
  await chown(folder, account.owner.uid, account.owner.gid);
  // Nobody can connect by these methods: pg_hba.conf is replaced below, before anything listens.
  await runToEnd(account, folder, account.binaries.initdb, [
    ...['-D', account.dataArgument(folder), '-U', SUPERUSER, '--auth-local=reject', '--auth-host=trust'],
    ...['--encoding=UTF8', '--locale=C', '--locale-provider=builtin', '--builtin-locale=C.UTF-8'],
    ...['--no-instructions', ...(durable ? [] : ['--no-sync'])],
  ]);
  await writeFile(join(folder, 'pg_hba.conf'), HBA);
  await runSql(account, folder, [setPassword(password), `CREATE DATABASE ${DATABASE_NAME}`], durable);
}

function setPassword(password: string): string {
  return `ALTER ROLE ${SUPERUSER} PASSWORD '${password}'`;
}

/** Runs statements in single-user mode, which needs no running server and no password. */
async function runSql(account: PostgresAccount, folder: string, statements: string[], durable = true): Promise<void> {
  const output = await runToEnd(
    account,
    folder,
    account.binaries.postgres,
    ['--single', '-j', ...(durable ? [] : ['-F']), '-D', account.dataArgument(folder), 'postgres'],
    // With -j a statement ends at a semicolon and an empty line.
    statements.map((statement) => `${statement};\n\n`).join(''),
  );
  // Single-user mode reports a failed statement and goes on.
  if (/\b(ERROR|FATAL|PANIC):/.test(output))
    throw new EmbeddedPostgresError(`preparing the database failed: ${output}`);
}

async function runToEnd(account: PostgresAccount, folder: string, program: string, options: string[], input = '') {
  const [file, commandArguments] = account.command(program, options);
  const child = spawn(file, commandArguments, { cwd: folder, env: postgresEnvironment(), ...account.spawnOptions });
  child.stdin.on('error', () => undefined).end(input);
  const [, errors] = await Promise.all([text(child.stdout), text(child.stderr), once(child, 'close')]);
  if (child.exitCode !== 0) throw new EmbeddedPostgresError(`${program} failed: ${errors.trim()}`);
  return errors;
}
