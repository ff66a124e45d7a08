import { spawn, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { mkdir, open, readFile, rename, stat } from 'node:fs/promises';
import { join, resolve } from 'node:path';
import { EmbeddedPostgresError } from './embedded-postgres-error';
import { choosePort, isPortFree } from './free-port';
import { choosePostgresAccount, type PostgresAccount } from './postgres-account';
import { findPostgresBinaries } from './postgres-binaries';
import { DATABASE_NAME, SUPERUSER, ensureCluster, type PostgresCluster } from './postgres-cluster';
import { postgresEnvironment } from './postgres-environment';
import { FAST_SHUTDOWN_MS, clusterNameOf, readLock, stopLeftovers } from './postgres-leftovers';
import { removeTemporaryFolders } from './temporary-folder';
import { waitUntil } from './wait-until';

const HOST = '127.0.0.1';
const LOG_LIMIT_BYTES = 10 * 1024 * 1024;
/** Recovery after a crash may replay a gigabyte of log. */
const READY_DEADLINE_MS = 300_000;

/** For a small machine. What is not here is as PostgreSQL has it, `fsync` and `synchronous_commit` included. */
const SETTINGS = {
  listen_addresses: HOST,
  unix_socket_directories: '',
  max_connections: '200',
  shared_buffers: '128MB',
  max_wal_size: '1GB',
  // The statements are short; compiling them costs more than it saves.
  jit: 'off',
  max_logical_replication_workers: '0',
  log_checkpoints: 'off',
  timezone: 'UTC',
  log_timezone: 'UTC',
};

/** For data that may be lost. */
const NOT_DURABLE = { fsync: 'off', full_page_writes: 'off', synchronous_commit: 'off' };

export interface EmbeddedPostgresOptions {
  /** Everything is kept under this folder, which is made when missing. */
  dataDir: string;
  /** Taken if it is free, otherwise any free one. */
  port?: number;
  log: (message: string) => void;
  /** Default true. False skips every sync, for tests. */
  durable?: boolean;
  /** Over those above. */
  settings?: Record<string, string>;
}

export interface EmbeddedPostgres {
  /** Address of the database `webhooks`, with the password. */
  readonly url: string;
  readonly port: number;
  readonly pid: number;
  /** Resolves when the server has ended, for whatever reason. */
  readonly ended: Promise<void>;
  /** Disconnects every client and stops the server; resolves when it has ended. */
  stop(): Promise<void>;
  /** Ends the server at once; the next start recovers. */
  kill(): void;
}

/**
 * Starts the PostgreSQL that npm installed, on a data folder of its own, and resolves when it takes connections. The
 * server has its own process group, so that Ctrl-C in a terminal reaches it only through us; one left behind by a start
 * that was killed is stopped first. Throws EmbeddedPostgresError with the reason when it cannot run.
 */
export async function startEmbeddedPostgres(options: EmbeddedPostgresOptions): Promise<EmbeddedPostgres> {
  const { log, durable = true } = options;
  const dataDir = resolve(options.dataDir);
  await mkdir(dataDir, { recursive: true, mode: 0o700 });
  await removeTemporaryFolders(dataDir);
  const binaries = await findPostgresBinaries(join(dataDir, 'postgres-programs'));
  const account = await choosePostgresAccount(binaries, dataDir);
  await stopLeftovers(dataDir, log);
  const cluster = await ensureCluster({ account, dataDir, durable, log });
  const clusterName = await clusterNameOf(dataDir);
  const logFile = join(dataDir, 'postgres.log');
  for (let triesLeft = 3; ; triesLeft -= 1) {
    const port = await choosePort(options.port ?? 0, HOST);
    const settings = {
      ...SETTINGS,
      ...(durable ? {} : NOT_DURABLE),
      ...options.settings,
      cluster_name: clusterName,
      port: String(port),
    };
    const child = await launch({ account, cluster, settings, logFile });
    if (await becomesReady(child, cluster.folder)) return running(child, port, cluster);
    // Another process may have taken the port after it was found free.
    if (triesLeft === 0 || (await isPortFree(port, HOST))) {
      throw new EmbeddedPostgresError(`PostgreSQL did not start: ${await lastLines(logFile)}`);
    }
  }
}

interface Launch {
  account: PostgresAccount;
  cluster: PostgresCluster;
  settings: Record<string, string>;
  logFile: string;
}

async function launch({ account, cluster, settings, logFile }: Launch): Promise<ChildProcess> {
  const size = await stat(logFile).then(
    (stats) => stats.size,
    () => 0,
  );
  if (size > LOG_LIMIT_BYTES) await rename(logFile, `${logFile}.1`);
  const output = await open(logFile, 'a', 0o600);
  try {
    const [file, commandArguments] = account.command(account.binaries.postgres, [
      ...['-D', account.dataArgument(cluster.folder)],
      ...Object.entries(settings).flatMap(([name, value]) => ['-c', `${name}=${value}`]),
    ]);
    const child = spawn(file, commandArguments, {
      cwd: cluster.folder,
      env: postgresEnvironment(),
      stdio: ['ignore', output.fd, output.fd],
      detached: true,
      ...account.spawnOptions,
    });
    await once(child, 'spawn');
    return child;
  } finally {
    await output.close();
  }
}

/** False when the server ended instead. Throws EmbeddedPostgresError when it is neither ready nor gone in time. */
async function becomesReady(child: ChildProcess, folder: string): Promise<boolean> {
  const hasEnded = () => child.exitCode !== null || child.signalCode !== null;
  const isDecided = async () => {
    const { pid, status } = await readLock(folder);
    return hasEnded() || (pid === child.pid && status === 'ready');
  };
  if (!(await waitUntil(isDecided, { deadlineMs: READY_DEADLINE_MS }))) {
    child.kill('SIGQUIT');
    throw new EmbeddedPostgresError('PostgreSQL was not ready in time');
  }
  return !hasEnded();
}

function running(child: ChildProcess, port: number, { password }: PostgresCluster): EmbeddedPostgres {
  const ended = new Promise<void>((resolveEnded) => {
    child.once('exit', () => {
      resolveEnded();
    });
  });
  const hasEnded = () => child.exitCode !== null || child.signalCode !== null;
  return {
    url: `postgres://${SUPERUSER}:${password}@${HOST}:${String(port)}/${DATABASE_NAME}`,
    port,
    pid: child.pid ?? 0,
    ended,
    async stop() {
      child.kill('SIGINT');
      if (await waitUntil(hasEnded, { deadlineMs: FAST_SHUTDOWN_MS })) return;
      child.kill('SIGQUIT');
      if (await waitUntil(hasEnded, { deadlineMs: 5_000 })) return;
      child.kill('SIGKILL');
      await ended;
    },
    kill() {
      child.kill('SIGQUIT');
    },
  };
}

async function lastLines(file: string): Promise<string> {
  const content = await readFile(file, 'utf8').catch(() => '');
  return content.trim().split('\n').slice(-5).join(' | ');
}
