import { spawn, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { connect } from 'node:net';
import { startEmbeddedPostgres, type EmbeddedPostgres } from '../../apps/local/src/embedded-postgres';
import { choosePort } from '../../apps/local/src/free-port';
import { hasCode } from '../../apps/local/src/error-code';
import { waitFor } from '../support/wait-for';

const HOST = '127.0.0.1';
const START_DEADLINE_MS = 30_000;
const REDIS_PROGRAMS = ['redis-server', 'valkey-server'];

/** A server that can be taken away and comes back under the same address. */
export interface ChaosServer {
  readonly url: string;
  /** Of the process that runs now. */
  readonly pid: number;
  /** As an operator stops it: it disconnects everyone and ends in order. */
  stop(): Promise<void>;
  /** As the kernel's out-of-memory killer ends it. */
  kill(): Promise<void>;
  start(): Promise<void>;
}

/** A PostgreSQL of this run that syncs as in production, with its data in the folder. */
export async function startChaosPostgres(dataDir: string, settings: Record<string, string> = {}): Promise<ChaosServer> {
  const log = (): void => undefined;
  let running: EmbeddedPostgres = await startEmbeddedPostgres({ dataDir, log, settings });
  const { url, port } = running;
  return {
    url,
    get pid() {
      return running.pid;
    },
    stop: () => running.stop(),
    async kill() {
      process.kill(running.pid, 'SIGKILL');
      await running.ended;
    },
    async start() {
      await waitFor(
        'PostgreSQL to come back',
        async () => {
          // Children of a killed server may hold its memory and port for a moment.
          const next = await startEmbeddedPostgres({ dataDir, port, log, settings }).catch(() => null);
          if (next === null) return false;
          running = next;
          if (next.port === port) return true;
          await next.stop();
          return false;
        },
        START_DEADLINE_MS,
      );
    },
  };
}

/** A Redis of this run that keeps nothing over a restart; null when the machine has none. */
export async function startChaosRedis(folder: string): Promise<ChaosServer | null> {
  const port = await choosePort(0, HOST);
  for (const program of REDIS_PROGRAMS) {
    const redis = redisServer(program, port, folder);
    try {
      await redis.start();
      return redis;
    } catch (error) {
      if (!hasCode(error, 'ENOENT')) throw error;
    }
  }
  return null;
}

function redisServer(program: string, port: number, folder: string): ChaosServer {
  let child: ChildProcess | null = null;
  const end = async (signal: NodeJS.Signals): Promise<void> => {
    if (child?.exitCode !== null || child.signalCode !== null) return;
    const ended = once(child, 'exit');
    child.kill(signal);
    await ended;
  };
  return {
    url: `redis://${HOST}:${String(port)}`,
    get pid() {
      return child?.pid ?? 0;
    },
    stop: () => end('SIGTERM'),
    kill: () => end('SIGKILL'),
    async start() {
      const settings = ['--port', String(port), '--bind', HOST, '--save', '', '--appendonly', 'no', '--dir', folder];
      child = spawn(program, settings, { stdio: 'ignore' });
      await once(child, 'spawn');
      await waitFor('Redis to take connections', () => takesConnections(port), START_DEADLINE_MS);
    },
  };
}

async function takesConnections(port: number): Promise<boolean> {
  const socket = connect(port, HOST);
  try {
    await once(socket, 'connect');
    return true;
  } catch {
    return false;
  } finally {
    socket.destroy();
  }
}
