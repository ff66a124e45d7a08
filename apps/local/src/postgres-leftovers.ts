import { createHash } from 'node:crypto';
import { readFile, realpath, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { EmbeddedPostgresError } from './embedded-postgres-error';
import { processesNaming, signalAll } from './process-list';
import { waitUntil } from './wait-until';

/** A fast shutdown writes a checkpoint; after this long it is cut short, and the next start recovers. */
export const FAST_SHUTDOWN_MS = 10_000;

/** Marks every process of the cluster in the process list, since the path of its folder need not show there. */
export async function clusterNameOf(dataDir: string): Promise<string> {
  const hash = createHash('sha256').update(await realpath(dataDir));
  return `webhooks-${hash.digest('hex').slice(0, 16)}`;
}

/**
 * Ends the processes of an earlier server on the data folder, and removes its lock file once there are none: PostgreSQL
 * itself would believe a lock whose process id now belongs to some other program. Throws EmbeddedPostgresError when they
 * do not end.
 */
export async function stopLeftovers(dataDir: string, log: (message: string) => void): Promise<void> {
  const folder = join(dataDir, 'postgres');
  const clusterName = await clusterNameOf(dataDir);
  const isGone = async () => (await processesNaming(clusterName)).length === 0;
  const leftovers = await processesNaming(clusterName);
  if (leftovers.length > 0) {
    log('Stopping the PostgreSQL that an earlier start left running');
    const postmaster = (await readLock(folder)).pid;
    signalAll(leftovers.includes(postmaster) ? [postmaster] : leftovers, 'SIGINT');
    if (!(await waitUntil(isGone, { deadlineMs: FAST_SHUTDOWN_MS }))) {
      signalAll(await processesNaming(clusterName), 'SIGQUIT');
      if (!(await waitUntil(isGone, { deadlineMs: 5_000 }))) signalAll(await processesNaming(clusterName), 'SIGKILL');
      if (!(await waitUntil(isGone, { deadlineMs: 5_000 }))) {
        throw new EmbeddedPostgresError(`an earlier PostgreSQL on ${folder} does not end`);
      }
    }
  }
  await rm(join(folder, 'postmaster.pid'), { force: true });
}

/** The first and the eighth line of postmaster.pid, which pg_ctl goes by too (PostgreSQL's miscadmin.h). */
export async function readLock(folder: string): Promise<{ pid: number; status: string }> {
  const lines = (await readFile(join(folder, 'postmaster.pid'), 'utf8').catch(() => '')).split('\n');
  return { pid: Number(lines[0]), status: lines[7]?.trim() ?? '' };
}
